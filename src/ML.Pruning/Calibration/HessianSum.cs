using ML.Pruning.Checkpoints;
using ML.Pruning.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Calibration;

/// <summary>The sum of x x^T over tokens, in float64.</summary>
/// <remarks>Only the upper triangle is summed up, by runs of rows; that halves the work. Not thread-safe.</remarks>
internal sealed class HessianSum : IDisposable
{
    private const int RowsPerProduct = 512;

    private readonly int _features;
    private readonly Tensor _sum;

    /// <summary>Starts with no token seen.</summary>
    public HessianSum(int features)
    {
        _features = features;
        _sum = zeros([features, features], dtype: ScalarType.Float64).DetachFromDisposeScope();
    }

    /// <summary>Bytes of the sum for a number of features.</summary>
    public static long Bytes(long features) => sizeof(double) * features * features;

    /// <summary>Adds tokens.</summary>
    /// <param name="inputs">Inputs [.., features].</param>
    public void Add(Tensor inputs)
    {
        using var noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = inputs.reshape(-1, _features).to_type(ScalarType.Float64);
        using MatrixProducts.Timing timing = MatrixProducts.Time("hessian");
        for (int start = 0; start < _features; start += RowsPerProduct)
        {
            int rows = Math.Min(RowsPerProduct, _features - start), rest = _features - start;
            _sum.narrow(0, start, rows).narrow(1, start, rest)
                .addmm_(x.narrow(1, start, rows).t(), x.narrow(1, start, rest));
        }
    }

    /// <summary>Adds what another sum saw.</summary>
    public void Merge(HessianSum other)
    {
        using DisposeScope scope = NewDisposeScope();
        _sum.add_(other._sum);
    }

    /// <summary>H = 2/n sum x x^T.</summary>
    /// <param name="tokens">n, at least 1.</param>
    /// <returns>A new tensor [features, features], float64, exactly symmetric.</returns>
    public Tensor ToHessian(long tokens)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor hessian = empty_like(_sum);
        for (int start = 0; start < _features; start += RowsPerProduct)
        {
            using DisposeScope runScope = NewDisposeScope();
            int rows = Math.Min(RowsPerProduct, _features - start), end = start + rows, rest = _features - end;
            Tensor run = _sum.narrow(0, start, rows);
            Tensor square = run.narrow(1, start, rows).triu();
            hessian.narrow(0, start, rows).narrow(1, start, rows).copy_(square + square.triu(1).t());
            if (rest == 0) break;
            Tensor right = run.narrow(1, end, rest);
            hessian.narrow(0, start, rows).narrow(1, end, rest).copy_(right);
            hessian.narrow(0, end, rest).narrow(1, start, rows).copy_(right.t());
        }

        return hessian.mul_(2.0 / tokens).MoveToOuterDisposeScope();
    }

    /// <summary>Writes the upper triangle, row after row, in float64.</summary>
    public void WriteTriangle(Stream stream)
    {
        for (int row = 0; row < _features; row++)
        {
            using Tensor values = _sum.select(0, row);
            stream.Write(values.bytes[(row * sizeof(double))..]);
        }
    }

    /// <summary>Reads what <see cref="WriteTriangle"/> wrote.</summary>
    /// <param name="triangle">F64 [features (features + 1) / 2].</param>
    public void ReadTriangle(StoredTensor triangle)
    {
        long offset = 0;
        for (int row = 0; row < _features; row++)
        {
            using Tensor values = _sum.select(0, row);
            Span<byte> right = values.bytes[(row * sizeof(double))..];
            triangle.ReadBytes(offset, right);
            offset += right.Length;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _sum.Dispose();
}
