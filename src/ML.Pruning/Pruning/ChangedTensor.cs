using ML.Pruning.Checkpoints;

namespace ML.Pruning.Pruning;

/// <summary>What a run made of one tensor.</summary>
/// <param name="Weight">The weight under its canonical name.</param>
internal sealed record ChangedTensor(StoredTensor Weight)
{
    /// <summary>The bias of the same map, if it changed.</summary>
    public StoredTensor? Bias { get; init; }

    /// <summary>How the weight was rounded to a grid, if it was.</summary>
    public GridRounding? Rounding { get; init; }

    /// <summary>The sparsity that was asked for (<see cref="TensorReport.Target"/>).</summary>
    public double? Target { get; init; }

    /// <summary>Quantiles of the scores (<see cref="TensorReport.ScoreQuantiles"/>).</summary>
    public IReadOnlyList<double>? ScoreQuantiles { get; init; }

    /// <summary>Relative change of the outputs (<see cref="TensorReport.OutputError"/>).</summary>
    public double? OutputError { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>A weight rounded to the nearest points of a grid, or as it is without a grid.</summary>
    public static ChangedTensor Of(StoredTensor weight, WeightGrid? grid, CancellationToken cancellationToken)
    {
        if (grid is null) return new ChangedTensor(weight);
        GridRounding rounding = GridRounding.Of(weight, grid, cancellationToken);
        return new ChangedTensor(rounding.Tensor) { Rounding = rounding };
    }
}
