using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>Cosines and sines of position times frequency, for positions 0 and up.</summary>
/// <remarks>Angles are computed in float64. The tables grow with the longest sequence seen. Thread-safe.</remarks>
/// <param name="frequencies">Radians per position, one for each pair of turning dimensions.</param>
/// <param name="factor">Factor of cosines and sines.</param>
/// <param name="type">The type of the tables.</param>
internal sealed class RotaryTable(double[] frequencies, double factor, ScalarType type) : IDisposable
{
    private const int FirstRows = 256;
    private readonly Lock _lock = new();
    private Tables? _tables;

    /// <summary>The tables of some positions.</summary>
    /// <param name="start">The first position.</param>
    /// <param name="count">How many positions.</param>
    /// <returns>Views [count, 1, pairs].</returns>
    public (Tensor Cosine, Tensor Sine) Get(int start, long count)
    {
        Tables tables = Reach(start + (int)count);
        return (tables.Cosine.narrow(0, start, count), tables.Sine.narrow(0, start, count));
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

    private Tables Reach(int rows)
    {
        lock (_lock)
        {
            if (_tables is not null && _tables.Rows >= rows) return _tables;

            // Tables that another thread may still read are left to the finalizer.
            int capacity = Math.Max(rows, Math.Max(FirstRows, 2 * (_tables?.Rows ?? 0)));
            return _tables = new Tables(capacity, Make(capacity, Math.Cos), Make(capacity, Math.Sin));
        }
    }

    private Tensor Make(int rows, Func<double, double> function)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor table = empty(rows, 1, frequencies.Length, dtype: ScalarType.Float32);
        Span<float> values = MemoryMarshal.Cast<byte, float>(table.bytes);
        for (int i = 0; i < values.Length; i++)
        {
            (int position, int pair) = Math.DivRem(i, frequencies.Length);
            values[i] = (float)(factor * function(position * frequencies[pair]));
        }

        return table.to_type(type).DetachFromDisposeScope();
    }

    private sealed record Tables(int Rows, Tensor Cosine, Tensor Sine);
}
