using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;

namespace ML.Pruning.Pruning;

/// <summary>A way to prune, with its options. <see cref="Pruner"/> carries it out.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public abstract class PruningMethod
{
    private protected PruningMethod()
    {
    }

    /// <summary>Name, such as <c>wanda</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Whether calibration text is needed.</summary>
    public abstract bool NeedsCalibration { get; }

    /// <summary>How much calibration text is used, and which; without meaning unless
    /// <see cref="NeedsCalibration"/>.</summary>
    public CalibrationOptions Calibration { get; init; } = new();

    /// <summary>Decides by shape alone what goes, before any weight moves.</summary>
    /// <param name="spec">The model.</param>
    /// <param name="weightType">Type of the stored weights, for the disk need.</param>
    /// <returns>The plan.</returns>
    /// <exception cref="ArgumentException">An option is out of range, or does not fit the model; the message names it.
    /// </exception>
    /// <exception cref="PruningException">Nothing is left to prune.</exception>
    public abstract PruningPlan Plan(ModelSpec spec, TensorType weightType = TensorType.F32);

    /// <summary>Every option that influences the result, for provenance.</summary>
    /// <returns>A new object.</returns>
    public abstract JsonObject ToJson();

    /// <summary>Statistics that take the place of calibration text; null = none do.</summary>
    internal virtual StatisticsFile? StoredStatistics => null;

    /// <summary>Refuses stored statistics that do not fit a model.</summary>
    /// <exception cref="ArgumentException">They do not.</exception>
    internal virtual void CheckStatistics(LanguageModel model)
    {
    }

    /// <summary>Whether a run computes with torch.</summary>
    internal bool UsesTorch => NeedsCalibration || StoredStatistics is not null;

    /// <summary>What a user can do when the run needs too much memory: a list of things to choose from.</summary>
    internal virtual string MemoryAdvice => NeedsCalibration
        ? $"lower the calibration samples ({Calibration.Samples}) or the sequence length"
        : "prune fewer tensors at once";

    /// <summary>As <see cref="Plan(ModelSpec, TensorType)"/>, with another amount of calibration text.</summary>
    internal virtual PruningPlan Plan(ModelSpec spec, TensorType weightType, CalibrationOptions calibration) =>
        Plan(spec, weightType);

    /// <summary>Whether weights that are NaN or infinite are kept instead of refused.</summary>
    internal virtual bool AcceptsNonFinite => false;

    /// <summary>Carries the plan out.</summary>
    internal abstract void Run(PruningRun run);
}
