using System.Globalization;
using ML.Pruning.Recovery;

namespace ML.Pruning.Tool.Output;

/// <summary>Progress of a training run on stderr.</summary>
internal sealed class TrainingConsole : IProgress<TrainingProgress>, IDisposable
{
    private readonly ConsoleProgress _progress = new("Training");
    private double? _validation;

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        _validation = value.ValidationLoss ?? _validation;
        string heldOut = _validation is { } v ? string.Create(CultureInfo.InvariantCulture, $", held out {v:F3}") : "";
        string sparsity = value.Sparsity is { } s
            ? string.Create(CultureInfo.InvariantCulture, $", {s:P0} zeros")
            : "";
        string left = value.TimeLeft is { } time
            ? string.Create(CultureInfo.InvariantCulture, $", {time:m\\:ss} left")
            : "";
        if (value.TimeLeft is { TotalHours: >= 1 } hours)
            left = $", {(int)hours.TotalHours} h {hours.Minutes} min left";
        _progress.Report(value.Fraction, string.Create(CultureInfo.InvariantCulture,
            $"loss {value.Loss:F3}{heldOut}, rate {value.LearningRate:G2}{sparsity}, "
            + $"{value.TokensPerSecond:F0} tok/s{left}"));
    }

    /// <inheritdoc/>
    public void Dispose() => _progress.Dispose();
}
