using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ML.Pruning.Chat.Templates;

namespace ML.Pruning.Chat;

/// <summary>Turns the messages of a chat into the prompt that a model was trained on: a template in the language Jinja,
/// from tokenizer_config.json, in a sandbox.</summary>
/// <remarks>
/// <para>Supported: for (with if, else, break, continue), if, elif, else, set (also of a namespace, and with a body);
/// all operators but powers; slices; loop; the functions namespace, range, dict, raise_exception and strftime_now; the
/// usual tests, filters and methods of strings and dictionaries. White space goes as Hugging Face's settings want it
/// (trim_blocks and lstrip_blocks). Anything else is refused by name, with its line.</para>
/// <para>A template sees nothing but what it is given, changes nothing, and stops when it takes too much work.
/// Immutable and thread-safe.</para>
/// </remarks>
public sealed class ChatTemplate
{
    private const int MaximumLength = 1 << 20;

    private readonly IReadOnlyList<Statement> _body;
    private readonly Dictionary<string, object?> _variables = new(StringComparer.Ordinal);

    private ChatTemplate(string source, IEnumerable<KeyValuePair<string, string>> tokens)
    {
        if (source.Length > MaximumLength)
        {
            throw new ChatTemplateException(
                $"The chat template has {source.Length} characters; at most {MaximumLength} are read.");
        }

        Source = source;
        _body = StatementParser.Parse(source);
        foreach ((string name, string text) in tokens) _variables[name] = text;
    }

    /// <summary>The template as written.</summary>
    public string Source { get; }

    /// <summary>Reads a template.</summary>
    /// <param name="source">The template, at most 1 MiB.</param>
    /// <param name="bosToken">Text of the token that begins a text, which templates call <c>bos_token</c>.</param>
    /// <param name="eosToken">Text of the token that ends a text, <c>eos_token</c>.</param>
    /// <returns>The template.</returns>
    /// <exception cref="ChatTemplateException">It is malformed, or uses something that is not supported.</exception>
    public static ChatTemplate Parse(string source, string bosToken = "", string eosToken = "")
    {
        ArgumentNullException.ThrowIfNull(source);
        return new ChatTemplate(source, [new("bos_token", bosToken), new("eos_token", eosToken)]);
    }

    /// <summary>Reads the template of a model.</summary>
    /// <param name="tokenizerConfigJson">The bytes of tokenizer_config.json; may be empty.</param>
    /// <param name="chatTemplateFile">The bytes of chat_template.jinja, which comes first where a model has one; may be
    /// empty.</param>
    /// <returns>The template; null where the files have none.</returns>
    /// <exception cref="ChatTemplateException">The template is malformed, or uses something that is not
    /// supported.</exception>
    public static ChatTemplate? Read(
        ReadOnlySpan<byte> tokenizerConfigJson, ReadOnlySpan<byte> chatTemplateFile = default)
    {
        JsonObject config = Config(tokenizerConfigJson);
        string? source = chatTemplateFile.IsEmpty ? SourceOf(config) : Encoding.UTF8.GetString(chatTemplateFile);
        if (source is null) return null;
        return new ChatTemplate(source, config.Where(p => p.Key.EndsWith("_token", StringComparison.Ordinal))
            .Select(p => KeyValuePair.Create(p.Key, TokenText(p.Value))).Where(p => p.Value is not null)!);
    }

    /// <summary>Writes the prompt for a chat.</summary>
    /// <param name="messages">Objects with <c>role</c> and <c>content</c>, and whatever else the template
    /// reads.</param>
    /// <param name="addGenerationPrompt">Whether the prompt ends with what opens the model's answer.</param>
    /// <param name="variables">Further variables of the template, such as <c>tools</c>; null = none.</param>
    /// <param name="now">The time that strftime_now tells; null = the time of the call.</param>
    /// <returns>The prompt, with special tokens as text.</returns>
    /// <exception cref="ChatTemplateException">The template refuses the messages, or takes too much work.</exception>
    public string Render(JsonArray messages, bool addGenerationPrompt = true, JsonObject? variables = null,
        DateTime? now = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var context = new TemplateContext { Now = now ?? DateTime.Now };
        foreach ((string name, object? value) in _variables) context.Set(name, value);
        foreach ((string name, JsonNode? value) in variables ?? []) context.Set(name, TemplateValue.FromJson(value));
        context.Set("messages", TemplateValue.FromJson(messages));
        context.Set("add_generation_prompt", addGenerationPrompt);
        Statement.RunAll(_body, context);
        return context.Output.ToString();
    }

    private static JsonObject Config(ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty) return [];
        try
        {
            return JsonNode.Parse(json) as JsonObject ?? [];
        }
        catch (JsonException e)
        {
            throw new ChatTemplateException($"tokenizer_config.json is no JSON: {e.Message}", e);
        }
    }

    // One template, or a list of named ones, of which "default" is meant.
    private static string? SourceOf(JsonObject config) => config["chat_template"] switch
    {
        JsonValue value when value.TryGetValue(out string? text) => text,
        JsonArray named => named.OfType<JsonObject>().Where(t => (string?)t["name"] == "default")
            .Select(t => (string?)t["template"]).FirstOrDefault(),
        _ => null,
    };

    private static string? TokenText(JsonNode? token) =>
        (token is JsonObject o ? o["content"] : token) is JsonValue value
        && value.TryGetValue(out string? text) ? text : null;
}
