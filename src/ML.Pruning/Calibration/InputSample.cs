using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Sparsity;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Calibration;

/// <summary>Evenly spaced tokens of the input of a linear map, on which outputs before and after can be
/// compared.</summary>
/// <remarks>Not thread-safe. Holds 4 features bytes for each token.</remarks>
internal sealed class InputSample : IDisposable
{
    /// <summary>Tokens at most.</summary>
    public const int MaximumTokens = 512;

    private const int ElementsAtOnce = 1 << 20;

    private readonly long _step;
    private readonly List<Tensor> _parts = [];
    private long _seen;

    /// <summary>Starts with no token seen.</summary>
    /// <param name="tokens">Tokens that there will be, at least 1.</param>
    public InputSample(long tokens) => _step = (tokens + MaximumTokens - 1) / MaximumTokens;

    /// <summary>Bytes of the samples of one layer, for the layer where they are most.</summary>
    public static long EstimateBytes(ModelSpec spec) => sizeof(float) * (long)MaximumTokens
        * Enumerable.Range(0, spec.Layers.Count).Max(i => LinearInput.Of(spec, i).Sum(input => (long)input.Features));

    /// <summary>Adds tokens, of which each step-th is kept.</summary>
    /// <param name="inputs">Inputs [tokens, features], float32.</param>
    public void Add(Tensor inputs)
    {
        long count = inputs.shape[0], first = (_step - _seen % _step) % _step;
        _seen += count;
        if (first >= count) return;
        using Tensor index = arange(first, count, _step, dtype: ScalarType.Int64);
        _parts.Add(inputs.index_select(0, index).DetachFromDisposeScope());
    }

    /// <summary>How much the outputs of a linear map change: the Frobenius norm of the change over that of the outputs
    /// before, biases that both have left out.</summary>
    /// <param name="before">W [rows, features].</param>
    /// <param name="after">The same after.</param>
    /// <param name="biasChange">Change of the bias [rows], or null.</param>
    /// <returns>0 for no change; null if no token was kept, or all outputs before are 0.</returns>
    public double? RelativeError(StoredTensor before, StoredTensor after, float[]? biasChange)
    {
        if (_parts.Count == 0) return null;
        using var noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor inputs = cat(_parts, 0).t();
        (int rows, int features) = MatrixShape.Of(before);
        int step = Math.Max(1, ElementsAtOnce / features);
        double change = 0, reference = 0;
        for (int first = 0; first < rows; first += step)
        {
            using DisposeScope chunkScope = NewDisposeScope();
            int count = Math.Min(step, rows - first);
            Tensor original = Read(before, first, count, features);
            Tensor moved = Product(Read(after, first, count, features).sub_(original), inputs);
            if (biasChange is not null)
                moved.add_(tensor(biasChange[first..(first + count)], [count, 1], dtype: ScalarType.Float32));
            change += SumOfSquares(moved);
            reference += SumOfSquares(Product(original, inputs));
        }

        return reference > 0 ? Math.Sqrt(change / reference) : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor part in _parts) part.Dispose();
        _parts.Clear();
    }

    private static Tensor Product(Tensor weight, Tensor inputs)
    {
        using MatrixProducts.Timing timing = MatrixProducts.Time("output error");
        return weight.matmul(inputs);
    }

    private static Tensor Read(StoredTensor weight, int firstRow, int rows, int columns)
    {
        var values = new float[rows * columns];
        weight.Read((long)firstRow * columns, values);
        return tensor(values, [rows, columns], dtype: ScalarType.Float32);
    }

    private static double SumOfSquares(Tensor x) => x.to_type(ScalarType.Float64).square().sum().item<double>();
}
