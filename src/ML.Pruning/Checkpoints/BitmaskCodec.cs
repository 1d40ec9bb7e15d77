namespace ML.Pruning.Checkpoints;

/// <summary>Stores sparse tensors as their non-zero values and a bit for each element.</summary>
/// <remarks>
/// <para>Naming and layout are those of the <c>sparse-bitmask</c> format of the compressed-tensors library. A tensor
/// <c>name</c> [rows, columns] becomes <c>name.shape</c> (I64), <c>name.compressed</c> (the kept elements in row-major
/// order, in the tensor's own type), <c>name.bitmask</c> (U8 [rows, ceil(columns / 8)], lowest bit first) and
/// <c>name.row_offsets</c> (I64 [rows], kept elements before each row). More leading dimensions count as rows.</para>
/// <para>Deviation: that library drops -0; here an element is dropped only if all its bits are 0, so the round trip is
/// exact to the bit. Files stay readable by both.</para>
/// <para>Thread-safe.</para>
/// </remarks>
public static class BitmaskCodec
{
    /// <summary>Suffix of the dense dimensions.</summary>
    public const string ShapeSuffix = ".shape";

    /// <summary>Suffix of the kept elements.</summary>
    public const string ValuesSuffix = ".compressed";

    /// <summary>Suffix of the mask.</summary>
    public const string MaskSuffix = ".bitmask";

    /// <summary>Suffix of the counts before each row.</summary>
    public const string RowOffsetsSuffix = ".row_offsets";

    // Beyond it the rows are so short that the row offsets outweigh what is saved, and they are held in memory.
    private const long MaxRows = 1 << 22;

    /// <summary>Compresses a tensor if that makes it smaller.</summary>
    /// <remarks>Reads the tensor once here to count, and again piece by piece while the result is written. Memory: 8
    /// bytes for each row, and buffers below 1 MB.</remarks>
    /// <param name="tensor">The tensor; at least two dimensions and whole-byte elements, or it stays dense.</param>
    /// <param name="cancellationToken">Checked before each piece.</param>
    /// <returns>The four parts, or the tensor itself.</returns>
    /// <exception cref="OperationCanceledException">Cancellation was asked for.</exception>
    /// <exception cref="ObjectDisposedException">The file behind the tensor was disposed.</exception>
    public static IReadOnlyList<StoredTensor> Compress(
        StoredTensor tensor, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        BitmaskLayout? layout = tensor.Shape.Count < 2 ? null : BitmaskLayout.Of(tensor.Shape);
        bool possible = layout is not null && layout.Value.Rows <= MaxRows
            && tensor.ElementCount > 0 && tensor.Type.BitsPerElement() % 8 == 0;
        if (!possible)
            return [tensor];
        int elementBytes = tensor.Type.BitsPerElement() / 8;
        long overhead = layout!.Value.MaskBytes + (layout.Value.Rows + tensor.Shape.Count) * sizeof(long);
        if (overhead >= tensor.ByteLength)
            return [tensor];
        var index = new NonZeroIndex(tensor, layout.Value, cancellationToken);
        if (overhead + index.Count * elementBytes >= tensor.ByteLength)
            return [tensor];
        return
        [
            BytesTensor.OfIntegers(tensor.Name + ShapeSuffix, [.. tensor.Shape]),
            new NonZeroValuesTensor(tensor.Name + ValuesSuffix, tensor, index),
            new NonZeroMaskTensor(tensor.Name + MaskSuffix, tensor, layout.Value),
            BytesTensor.OfIntegers(tensor.Name + RowOffsetsSuffix, index.RowOffsets),
        ];
    }

    /// <summary>Bytes that the compressed form of a matrix has besides its kept elements.</summary>
    internal static long Overhead(long rows, long columns) =>
        new BitmaskLayout(rows, columns).MaskBytes + (rows + 2) * sizeof(long);

    /// <summary>Compresses each tensor that becomes smaller by it; the others stay as they are.</summary>
    /// <param name="tensors">The tensors.</param>
    /// <param name="cancellationToken">Checked before each piece.</param>
    /// <returns>What to write, in the same order.</returns>
    /// <exception cref="OperationCanceledException">Cancellation was asked for.</exception>
    public static IReadOnlyList<StoredTensor> CompressAll(
        IEnumerable<StoredTensor> tensors, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return [.. tensors.SelectMany(t => Compress(t, cancellationToken))];
    }
}
