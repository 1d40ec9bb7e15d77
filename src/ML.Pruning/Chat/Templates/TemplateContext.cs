using System.Text;

namespace ML.Pruning.Chat.Templates;

/// <summary>One rendering: variables, output, and how much work is left.</summary>
internal sealed class TemplateContext
{
    /// <summary>Steps and characters that a rendering may take.</summary>
    private const long MaximumWork = 5_000_000;

    private readonly List<Dictionary<string, object?>> _scopes = [new(StringComparer.Ordinal)];
    private long _left = MaximumWork;

    /// <summary>What has been written.</summary>
    public StringBuilder Output { get; private set; } = new();

    /// <summary>The time that strftime_now tells.</summary>
    public required DateTime Now { get; init; }

    /// <summary>Counts work done.</summary>
    /// <exception cref="ChatTemplateException">It is too much.</exception>
    public void Charge(long amount)
    {
        _left -= amount;
        if (_left < 0)
        {
            throw new ChatTemplateException($"The chat template takes more than {MaximumWork} steps and characters "
                + "for these messages; it may never end. Shorten the messages, or use another template.");
        }
    }

    /// <summary>The value of a variable.</summary>
    public object? Get(string name)
    {
        for (int i = _scopes.Count - 1; i >= 0; i--)
            if (_scopes[i].TryGetValue(name, out object? value)) return value;
        return new Undefined(name);
    }

    /// <summary>Sets a variable of the innermost scope.</summary>
    public void Set(string name, object? value) => _scopes[^1][name] = value;

    /// <summary>Runs something in a scope of its own.</summary>
    public void InScope(Action run)
    {
        _scopes.Add(new Dictionary<string, object?>(StringComparer.Ordinal));
        try
        {
            run();
        }
        finally
        {
            _scopes.RemoveAt(_scopes.Count - 1);
        }
    }

    /// <summary>What something writes, which does not go to the output.</summary>
    public string Capture(Action run)
    {
        StringBuilder before = Output;
        Output = new StringBuilder();
        try
        {
            run();
            return Output.ToString();
        }
        finally
        {
            Output = before;
        }
    }

    /// <summary>Writes text.</summary>
    public void Write(string text)
    {
        Charge(text.Length);
        Output.Append(text);
    }
}
