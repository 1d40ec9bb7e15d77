using ML.Pruning.Checkpoints;
using ML.Pruning.Kernels;

namespace ML.Pruning.Export.Onnx;

/// <summary>The weight of a linear map, packed for the sparse kernels (docs/kernels.md). It is packed when its size is
/// asked for and let go once it is written.</summary>
/// <param name="name">The value's name in the graph.</param>
/// <param name="weight">W [outFeatures, inFeatures].</param>
/// <param name="format">Which weights are stored.</param>
/// <param name="type">How.</param>
internal sealed class PackedInitializer(string name, StoredTensor weight, PackedFormat format, PackedType type)
    : OnnxInitializer(name, OnnxElement.UInt8)
{
    private const int PieceElements = 1 << 20;

    // What the packer takes rows in.
    private const int GroupRows = 16;
    private PackedMatrix? _packed;

    /// <inheritdoc/>
    public override IReadOnlyList<long> Shape => [ByteLength];

    /// <inheritdoc/>
    public override long ByteLength => (_packed ??= Pack()).SizeBytes;

    /// <inheritdoc/>
    public override void WriteData(Stream destination, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using PackedMatrix packed = _packed ?? Pack();
        _packed = null;
        destination.Write(packed.Bytes);
    }

    private PackedMatrix Pack()
    {
        int rows = (int)weight.Shape[0], columns = (int)weight.Shape[1];
        using var packer = new MatrixPacker(format, type, rows, columns);
        int step = Math.Max(1, PieceElements / columns / GroupRows) * GroupRows;
        var piece = new float[Math.Min(step, rows) * columns];
        for (int row = 0; row < rows; row += step)
        {
            int count = Math.Min(step, rows - row);
            weight.Read((long)row * columns, piece.AsSpan(0, count * columns));
            packer.Add(piece.AsSpan(0, count * columns), Scales(row, count, columns));
        }

        return packer.Finish();
    }

    // Weights that are on the kernels' own grid keep their scales, and so their codes.
    private float[] Scales(int row, int count, int columns)
    {
        const int columnsPerScale = 64;
        bool isSameGrid = weight is QuantizedTensor { Grid: Int8PerRow } && type == PackedType.Int8
            || weight is QuantizedTensor { Grid: Int4Groups { GroupSize: columnsPerScale } } && type == PackedType.Int4;
        if (!isSameGrid) return [];
        var quantized = (QuantizedTensor)weight;
        int perRow = quantized.Grid.Groups(columns);
        var scales = new float[count * perRow];
        quantized.Scales.Read((long)row * perRow, scales);
        return scales;
    }
}
