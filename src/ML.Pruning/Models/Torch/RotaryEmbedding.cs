using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>Rotary positions for one head size (Su et al. 2021, arXiv:2104.09864): element i of the first half of a
/// head turns with element i of the second half by the angle position * theta^(-2i/d), scaled as the spec
/// says.</summary>
/// <remarks>Angles are computed in float64. The tables grow with the longest sequence seen. Thread-safe.</remarks>
internal sealed class RotaryEmbedding : IDisposable
{
    private const int FirstRows = 256;
    private readonly double[] _frequencies;
    private readonly ScalarType _type;
    private readonly Lock _lock = new();
    private Tables? _tables;

    /// <summary>Prepares the frequencies.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="headSize">Width d of a head, even.</param>
    /// <param name="type">The type to compute in.</param>
    public RotaryEmbedding(ModelSpec spec, int headSize, ScalarType type)
    {
        _type = type;
        _frequencies = new double[headSize / 2];
        for (int i = 0; i < _frequencies.Length; i++)
        {
            double frequency = Math.Pow(spec.RopeTheta, -2.0 * i / headSize);
            _frequencies[i] = spec.RopeScaling?.Scale(frequency) ?? frequency;
        }
    }

    /// <summary>Turns queries or keys.</summary>
    /// <param name="heads">[B, T, H, d].</param>
    /// <param name="start">Position of the first of the T tokens.</param>
    /// <returns>[B, T, H, d].</returns>
    public Tensor Apply(Tensor heads, int start)
    {
        using DisposeScope scope = NewDisposeScope();
        long length = heads.shape[1];
        long half = _frequencies.Length;
        Tables tables = GetTables(start + (int)length);
        Tensor cosine = tables.Cosine.narrow(0, start, length);
        Tensor sine = tables.Sine.narrow(0, start, length);
        Tensor first = heads.narrow(3, 0, half);
        Tensor second = heads.narrow(3, half, half);
        Tensor turnedFirst = first.mul(cosine).sub(second.mul(sine));
        Tensor turnedSecond = second.mul(cosine).add(first.mul(sine));
        return cat([turnedFirst, turnedSecond], 3).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _tables?.Cosine.Dispose();
            _tables?.Sine.Dispose();
            _tables = null;
        }
    }

    private Tables GetTables(int rows)
    {
        lock (_lock)
        {
            if (_tables is not null && _tables.Rows >= rows) return _tables;

            // Tables that another thread may still read are left to the finalizer.
            int capacity = Math.Max(rows, Math.Max(FirstRows, 2 * (_tables?.Rows ?? 0)));
            return _tables = new Tables(capacity, MakeTable(capacity, Math.Cos), MakeTable(capacity, Math.Sin));
        }
    }

    private Tensor MakeTable(int rows, Func<double, double> function)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor table = empty(rows, 1, _frequencies.Length, dtype: ScalarType.Float32);
        Span<float> values = MemoryMarshal.Cast<byte, float>(table.bytes);
        for (int i = 0; i < values.Length; i++)
        {
            (int position, int pair) = Math.DivRem(i, _frequencies.Length);
            values[i] = (float)function(position * _frequencies[pair]);
        }

        return table.to_type(_type).DetachFromDisposeScope();
    }

    private sealed record Tables(int Rows, Tensor Cosine, Tensor Sine);
}
