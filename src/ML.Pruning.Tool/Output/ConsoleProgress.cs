using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace ML.Pruning.Tool.Output;

/// <summary>Progress of one task: a bar that grows on a terminal and goes away in the end, a plain line now and then
/// elsewhere. What takes less than a moment shows nothing.</summary>
/// <param name="task">What is being done.</param>
/// <param name="console">Where to show it.</param>
/// <param name="patience">How long to wait before anything is shown; null = a second.</param>
internal sealed class ConsoleProgress(string task, ToolConsole console, TimeSpan? patience = null)
    : IProgress<double>, IDisposable
{
    private const int BarWidth = 20;

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(10);
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TimeSpan _next = patience ?? TimeSpan.FromSeconds(1);
    private Task? _display;
    private ProgressTask? _bar;
    private bool _isDisposed;

    /// <summary>Progress on stderr.</summary>
    public ConsoleProgress(string task)
        : this(task, ToolConsole.Error)
    {
    }

    /// <inheritdoc/>
    public void Report(double value) => Report(value, "");

    /// <summary>Shows a fraction and what is being done.</summary>
    public void Report(double fraction, string detail)
    {
        lock (_lock)
        {
            // A report may come late, on a thread of the pool.
            if (_isDisposed || _watch.Elapsed < _next) return;
            if (console.Terminal is null)
            {
                _next = _watch.Elapsed + s_interval;
                console.WriteLine(
                    string.Create(CultureInfo.InvariantCulture, $"{task} {fraction,4:P0} {detail}").TrimEnd());
                return;
            }

            _display ??= Display(console.Terminal, bar => Set(bar, fraction, detail));
            Set(_bar!, fraction, detail);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock) _isDisposed = true;
        _done.TrySetResult();
        _display?.GetAwaiter().GetResult();
    }

    private void Set(ProgressTask bar, double fraction, string detail)
    {
        bar.Value = Math.Clamp(fraction, 0, 1);
        bar.Description = Markup.Escape($"{task} {detail}".TrimEnd());
    }

    // The bar is shown at once, and redraws itself until all is done.
    private Task Display(IAnsiConsole terminal, Action<ProgressTask> set) => terminal.Progress()
        .AutoClear(true)
        .Columns(new ProgressBarColumn { Width = BarWidth }, new PercentageColumn(), new ElapsedTimeColumn(),
            new TaskDescriptionColumn { Alignment = Justify.Left })
        .StartAsync(context =>
        {
            _bar = context.AddTask(Markup.Escape(task), maxValue: 1);
            set(_bar);
            context.Refresh();
            return _done.Task;
        });
}
