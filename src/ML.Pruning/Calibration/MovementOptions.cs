using System.Text.Json.Nodes;

namespace ML.Pruning.Calibration;

/// <summary>What updates the weights of a movement run.</summary>
public enum MovementOptimizer
{
    /// <summary>w -= rate g.</summary>
    Sgd,

    /// <summary>AdamW with its usual betas (0.9, 0.999) and no weight decay (Loshchilov and Hutter 2017,
    /// arXiv:1711.05101).</summary>
    AdamW,
}

/// <summary>How the short training run goes whose movement is scored.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed record MovementOptions
{
    /// <summary>The defaults.</summary>
    public static MovementOptions Default { get; } = new();

    /// <summary>Steps, at least 1; null = as many as take each calibration window once. More steps than that begin anew
    /// with the first window.</summary>
    public int? Steps { get; init; }

    /// <summary>Windows whose mean loss makes one step, at least 1.</summary>
    public int BatchSize { get; init; } = 1;

    /// <summary>Learning rate, above 0.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>What updates the weights.</summary>
    public MovementOptimizer Optimizer { get; init; } = MovementOptimizer.AdamW;

    /// <summary>The options, for provenance.</summary>
    /// <returns>A new object.</returns>
    public JsonObject ToJson() => new()
    {
        ["steps"] = Steps,
        ["batchSize"] = BatchSize,
        ["learningRate"] = LearningRate,
        ["optimizer"] = Optimizer.ToString().ToLowerInvariant(),
    };

    /// <summary>Refuses options that are out of range.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    internal MovementOptions Validated()
    {
        if (Steps < 1) throw new ArgumentException($"The number of movement steps is {Steps}; at least 1.");
        if (BatchSize < 1) throw new ArgumentException($"The movement batch size is {BatchSize}; at least 1.");
        if (!(LearningRate > 0 && double.IsFinite(LearningRate)))
            throw new ArgumentException($"The movement learning rate is {LearningRate}; it must be above 0.");
        return Enum.IsDefined(Optimizer)
            ? this
            : throw new ArgumentException($"The movement optimizer is {Optimizer}; choose Sgd or AdamW.");
    }
}
