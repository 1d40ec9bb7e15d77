using System.Diagnostics;

namespace ML.Pruning.Tool.Output;

/// <summary>Progress on stderr: a bar that grows on a terminal, a plain line now and then elsewhere.</summary>
internal sealed class ConsoleProgress(string task) : IProgress<double>, IDisposable
{
    private const int BarWidth = 20;

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(Console.IsErrorRedirected ? 10 : 0.2);
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly Lock _lock = new();
    private TimeSpan _next = TimeSpan.FromSeconds(1);
    private bool _shown;

    /// <inheritdoc/>
    public void Report(double value) => Report(value, "");

    /// <summary>Shows a fraction and what is being done.</summary>
    public void Report(double fraction, string detail)
    {
        lock (_lock)
        {
            if (_watch.Elapsed < _next) return;
            _next = _watch.Elapsed + s_interval;
            string line = $"{fraction,4:P0} {detail}";
            if (Console.IsErrorRedirected) Console.Error.WriteLine($"{task} {line}");
            else Console.Error.Write("\r" + $"{task} {Bar(fraction)} {line}".PadRight(79)[..79]);
            _shown = true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_shown && !Console.IsErrorRedirected) Console.Error.Write("\r" + new string(' ', 79) + "\r");
    }

    private static string Bar(double fraction)
    {
        int done = (int)(Math.Clamp(fraction, 0, 1) * BarWidth);
        return $"[{new string('#', done)}{new string('.', BarWidth - done)}]";
    }
}
