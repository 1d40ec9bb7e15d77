using ML.Pruning.Calibration;

namespace ML.Pruning.Importance;

/// <summary>Whole rows of a weight matrix, to be scored.</summary>
/// <param name="tensorName">Canonical name of the tensor.</param>
/// <param name="firstRow">Index of the first row in the tensor.</param>
/// <param name="rows">Rows in the block.</param>
/// <param name="columns">Input features.</param>
/// <param name="weight">W [rows, columns], row-major.</param>
public readonly ref struct WeightBlock(
    string tensorName, int firstRow, int rows, int columns, ReadOnlySpan<float> weight)
{
    /// <summary>Canonical name of the tensor.</summary>
    public string TensorName { get; } = tensorName;

    /// <summary>Index of the first row in the tensor.</summary>
    public int FirstRow { get; } = firstRow;

    /// <summary>Rows in the block.</summary>
    public int Rows { get; } = rows;

    /// <summary>Input features.</summary>
    public int Columns { get; } = columns;

    /// <summary>W [rows, columns], row-major.</summary>
    public ReadOnlySpan<float> Weight { get; } = weight;

    /// <summary>The loss's gradients by all weights of the tensor, if a criterion asks for them; null
    /// otherwise.</summary>
    public GradientStatistics? Gradients { get; init; }
}
