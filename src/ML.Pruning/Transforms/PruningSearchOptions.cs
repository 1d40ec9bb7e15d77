using Microsoft.ML.SearchSpace;
using ML.Pruning.Calibration;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Transforms;

/// <summary>What AutoML may choose about pruning: give <c>SearchSpace&lt;PruningSearchOptions&gt;</c> and
/// <c>(context, options) =&gt; context.Transforms.PruneLlm("Model", "Text", options.ToMethod())</c> to
/// <c>CreateSweepableEstimator</c>.</summary>
/// <remarks>A tuner sets the properties; narrow the space by setting what it should not touch. Not
/// thread-safe.</remarks>
public sealed class PruningSearchOptions
{
    /// <summary>How weights are scored: <c>magnitude</c>, <c>wanda</c> or <c>sparsegpt</c>.</summary>
    [Choice(new object[] { "magnitude", "wanda", "sparsegpt" }, "wanda")]
    public string Method { get; set; } = "wanda";

    /// <summary>Fraction of zeros in the pruned tensors, in [0, 1); searched from 0.1 to 0.9.</summary>
    [Range(0.1, 0.9, 0.5)]
    public double Sparsity { get; set; } = 0.5;

    /// <summary>How the sparsity is shared out among the tensors: <c>uniform</c>, <c>erk</c> or <c>owl</c>.</summary>
    [Choice(new object[] { "uniform", "erk", "owl" }, "uniform")]
    public string Allocation { get; set; } = "uniform";

    /// <summary>The method that the values spell.</summary>
    /// <param name="calibration">How much calibration text is used; null = the defaults.</param>
    /// <returns>The method.</returns>
    /// <exception cref="ArgumentException">A value is not one of those above.</exception>
    public WeightPruning ToMethod(CalibrationOptions? calibration = null)
    {
        calibration ??= new CalibrationOptions();
        ISparsityAllocation allocation = Allocation switch
        {
            "uniform" => UniformAllocation.Instance,
            "erk" => new ErkAllocation(),
            "owl" => new OwlAllocation(),
            _ => throw new ArgumentException($"The allocation is \"{Allocation}\"; it must be uniform, erk or owl."),
        };
        return Method switch
        {
            "magnitude" => new Magnitude { Sparsity = Sparsity, Allocation = allocation, Calibration = calibration },
            "wanda" => new Wanda { Sparsity = Sparsity, Allocation = allocation, Calibration = calibration },
            "sparsegpt" => new SparseGpt { Sparsity = Sparsity, Allocation = allocation, Calibration = calibration },
            _ => throw new ArgumentException($"The method is \"{Method}\"; it must be magnitude, wanda or sparsegpt."),
        };
    }
}
