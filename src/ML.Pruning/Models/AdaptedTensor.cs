using System.Numerics.Tensors;
using ML.Pruning.Checkpoints;

namespace ML.Pruning.Models;

/// <summary>A weight with an adapter merged into it: W + s M * (B A), or with its rows scaled (DoRA). Computed row by
/// row when it is read; the sums are float64.</summary>
/// <remarks>Thread-safe. Zeros of W stay exact zeros if the adapter keeps them.</remarks>
internal sealed class AdaptedTensor : ElementwiseTensor
{
    private readonly StoredTensor _weight;
    private readonly AdapterSpec _adapter;
    private readonly double[] _a;
    private readonly float[] _b;
    private readonly float[]? _magnitude;
    private readonly int _columns;
    private readonly int _sign;

    /// <summary>Merges.</summary>
    /// <param name="weight">W [outFeatures, inFeatures].</param>
    /// <param name="adapter">The adapter on it.</param>
    /// <param name="tensors">Tensors by canonical name, those of the adapter among them.</param>
    /// <param name="isRemoved">Whether the update is taken away instead of added.</param>
    public AdaptedTensor(StoredTensor weight, AdapterSpec adapter, IReadOnlyDictionary<string, StoredTensor> tensors,
        bool isRemoved = false)
        : base(weight.Name, weight is QuantizedTensor ? TensorType.F32 : weight.Type, weight.Shape)
    {
        _weight = weight;
        _adapter = adapter;
        _a = Array.ConvertAll(tensors[adapter.AName].ToArray(), v => (double)v);
        _b = tensors[adapter.BName].ToArray();
        _magnitude = adapter.HasMagnitude ? tensors[adapter.MagnitudeName].ToArray() : null;
        _columns = checked((int)weight.Shape[1]);
        _sign = isRemoved ? -1 : 1;
    }

    private protected override void ReadWhole(long first, Span<byte> destination)
    {
        float[] values = new float[destination.Length / ElementBytes];
        ReadExact(first, values);
        ElementConversion.FromSingle(Type, values, destination);
    }

    private protected override void ReadElements(long start, Span<float> destination)
    {
        // As a file written from this tensor would give them.
        if (Type is TensorType.F32 or TensorType.F64) ReadExact(start, destination);
        else base.ReadElements(start, destination);
    }

    private void ReadExact(long start, Span<float> destination)
    {
        var row = new double[_columns];
        var weights = new float[_columns];
        while (destination.Length > 0)
        {
            (long index, long column) = Math.DivRem(start, _columns);
            MergeRow(index, weights, row);
            int count = (int)Math.Min(destination.Length, _columns - column);
            TensorPrimitives.ConvertTruncating<double, float>(row.AsSpan((int)column, count), destination[..count]);
            destination = destination[count..];
            start += count;
        }
    }

    private void MergeRow(long index, float[] weights, double[] row)
    {
        int rank = _adapter.Rank;
        _weight.Read(index * _columns, weights);
        Array.Clear(row);
        for (int k = 0; k < rank; k++)
        {
            double factor = _sign * _adapter.Scale * _b[index * rank + k];
            if (factor != 0) TensorPrimitives.MultiplyAdd(_a.AsSpan(k * _columns, _columns), factor, row, row);
        }

        for (int i = 0; i < row.Length; i++)
            row[i] = weights[i] == 0 && _adapter.KeepsZeros ? 0 : weights[i] + row[i];
        if (_magnitude is null) return;
        double length = TensorPrimitives.Norm<double>(row);
        if (length > 0) TensorPrimitives.Multiply(row, _magnitude[index] / length, row);
    }
}
