using ML.Pruning.Kernels;

namespace ML.Pruning.Export.Onnx.Rewriting;

/// <summary>A packed matrix that is a constant of a rewritten graph.</summary>
/// <param name="name">The value's name in the graph.</param>
/// <param name="matrix">The matrix; let go once it is written.</param>
internal sealed class PackedArray(string name, PackedMatrix matrix)
    : OnnxInitializer(name, OnnxElement.UInt8), IDisposable
{
    /// <inheritdoc/>
    public override IReadOnlyList<long> Shape => [ByteLength];

    /// <inheritdoc/>
    public override long ByteLength { get; } = matrix.SizeBytes;

    /// <summary>How the weights are stored.</summary>
    public PackedType Type => matrix.Type;

    /// <summary>Packs a matrix.</summary>
    /// <param name="name">The value's name in the graph.</param>
    /// <param name="weight">W [out, in].</param>
    /// <param name="format">Which weights are stored.</param>
    /// <param name="type">How.</param>
    /// <param name="scales">The grid that the weights are on; empty = the kernels find one where they need it.</param>
    /// <returns>The constant.</returns>
    public static PackedArray Pack(
        string name, ConstantWeight weight, PackedFormat format, PackedType type, float[] scales)
    {
        using var packer = new MatrixPacker(format, type, (int)weight.Shape[0], (int)weight.Shape[1]);
        packer.Add(weight.Values, scales);
        return new PackedArray(name, packer.Finish());
    }

    /// <inheritdoc/>
    public override void WriteData(Stream destination, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        destination.Write(matrix.Bytes);
    }

    /// <inheritdoc/>
    public void Dispose() => matrix.Dispose();
}
