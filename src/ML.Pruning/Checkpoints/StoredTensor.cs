using System.Buffers;

namespace ML.Pruning.Checkpoints;

/// <summary>A named tensor that can be read piece by piece: from a file, from memory, or as a view of others.</summary>
/// <remarks>
/// <para>Elements are in row-major order, little-endian. Reading never copies more than the piece asked for.</para>
/// <para>Thread-safe: any number of threads may read at once.</para>
/// </remarks>
public abstract class StoredTensor
{
    private const int ChunkBytes = 1 << 18;

    /// <summary>Checks and keeps name, type and shape.</summary>
    /// <param name="name">The name; may be empty.</param>
    /// <param name="type">The element type.</param>
    /// <param name="shape">The dimensions, each at least 0; empty for a scalar.</param>
    /// <exception cref="ArgumentException">A dimension is negative, the product is above <see cref="long.MaxValue"/>,
    /// or the elements do not fill whole bytes.</exception>
    private protected StoredTensor(string name, TensorType type, IReadOnlyList<long> shape)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(shape);
        Name = name;
        Type = type;
        Shape = Array.AsReadOnly([.. shape]);
        ElementCount = CountElements(Shape) ?? throw new ArgumentException(
            $"Tensor {Show.Quote(name)}: shape {Show.Shape(shape)} has a negative dimension or too many elements.",
            nameof(shape));
        ByteLength = TensorTypes.ByteLength(type, ElementCount) ?? throw new ArgumentException(
            $"Tensor {Show.Quote(name)}: {ElementCount} elements of {type.Name()} do not fill whole bytes.",
            nameof(shape));
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>The element type.</summary>
    public TensorType Type { get; }

    /// <summary>The dimensions, outermost first; empty for a scalar.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>The number of elements.</summary>
    public long ElementCount { get; }

    /// <summary>Bytes of the dense tensor in its type.</summary>
    public long ByteLength { get; }

    /// <summary>Reads elements as float32.</summary>
    /// <param name="start">Index of the first element, in row-major order.</param>
    /// <param name="destination">Where to put them; its length is how many are read.</param>
    /// <exception cref="ArgumentOutOfRangeException">The elements are not all inside the tensor.</exception>
    /// <exception cref="NotSupportedException">The type cannot be converted to float32
    /// (<see cref="TensorTypes.IsConvertible"/>).</exception>
    /// <exception cref="ObjectDisposedException">The file behind the tensor was disposed.</exception>
    public void Read(long start, Span<float> destination)
    {
        if (start < 0 || start > ElementCount - destination.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(start), start,
                $"Tensor {Show.Quote(Name)}: {destination.Length} elements from there are not in [0, {ElementCount}).");
        }
        if (!Type.IsConvertible())
        {
            throw new NotSupportedException($"Tensor {Show.Quote(Name)} has elements of type {Type.Name()}, which "
                + "cannot be read as float32; dequantise it to BF16, F16 or F32 first.");
        }
        if (destination.Length > 0)
            ReadElements(start, destination);
    }

    /// <summary>Reads the dense raw bytes, little-endian, in the tensor's type.</summary>
    /// <param name="byteOffset">Index of the first byte.</param>
    /// <param name="destination">Where to put them; its length is how many are read.</param>
    /// <exception cref="ArgumentOutOfRangeException">The bytes are not all inside the tensor.</exception>
    /// <exception cref="ObjectDisposedException">The file behind the tensor was disposed.</exception>
    public void ReadBytes(long byteOffset, Span<byte> destination)
    {
        if (byteOffset < 0 || byteOffset > ByteLength - destination.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(byteOffset), byteOffset,
                $"Tensor {Show.Quote(Name)}: {destination.Length} bytes from there are not in [0, {ByteLength}).");
        }
        if (destination.Length > 0)
            ReadRaw(byteOffset, destination);
    }

    /// <summary>Reads the whole tensor as float32.</summary>
    /// <returns>The elements in row-major order.</returns>
    /// <exception cref="ArgumentException">The tensor has more than <see cref="Array.MaxLength"/> elements.</exception>
    /// <exception cref="NotSupportedException">The type cannot be converted to float32.</exception>
    /// <exception cref="ObjectDisposedException">The file behind the tensor was disposed.</exception>
    public float[] ToArray()
    {
        if (ElementCount > Array.MaxLength)
        {
            throw new ArgumentException($"Tensor {Show.Quote(Name)} has {ElementCount} elements, more than an array "
                + $"can hold ({Array.MaxLength}); read it in pieces.");
        }
        float[] result = GC.AllocateUninitializedArray<float>((int)ElementCount);
        Read(0, result);
        return result;
    }

    /// <summary>Writes the dense raw bytes, little-endian, in the tensor's type, piece by piece.</summary>
    /// <param name="destination">The stream; need not be seekable.</param>
    /// <param name="cancellationToken">Checked before each piece.</param>
    /// <exception cref="ObjectDisposedException">The file behind the tensor was disposed.</exception>
    /// <exception cref="OperationCanceledException">Cancellation was asked for.</exception>
    public void CopyTo(Stream destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(ByteLength, CopyBytes));
        try
        {
            for (long offset = 0; offset < ByteLength;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, ByteLength - offset));
                ReadRaw(offset, piece);
                destination.Write(piece);
                offset += piece.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The same tensor under another name.</summary>
    /// <param name="name">The new name.</param>
    public virtual StoredTensor Renamed(string name) => name == Name ? this : new RenamedTensor(name, this);

    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {Type.Name()} {Show.Shape(Shape)}";

    /// <summary>The product of the dimensions, or null if one is negative or the product above
    /// <see cref="long.MaxValue"/>.</summary>
    internal static long? CountElements(IReadOnlyList<long> shape)
    {
        UInt128 count = 1;
        bool tooMany = false;
        foreach (long dimension in shape)
        {
            if (dimension < 0)
                return null;
            if (dimension == 0)
                return shape.Any(d => d < 0) ? null : 0;
            if (!tooMany)
                count *= (ulong)dimension;
            tooMany |= count > long.MaxValue;
        }
        return tooMany ? null : (long)count;
    }

    /// <summary>Bytes of one piece when all is copied.</summary>
    private protected virtual int CopyBytes => 4 * ChunkBytes;

    /// <summary>Reads bytes; the range is checked and not empty.</summary>
    private protected abstract void ReadRaw(long byteOffset, Span<byte> destination);

    /// <summary>Reads elements as float32; range and type are checked, and the range is not empty.</summary>
    private protected virtual void ReadElements(long start, Span<float> destination)
    {
        int size = Type.BitsPerElement() / 8;
        int step = Math.Min(destination.Length, ChunkBytes / size);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(step * size);
        try
        {
            for (int done = 0; done < destination.Length; done += step)
            {
                int count = Math.Min(step, destination.Length - done);
                Span<byte> piece = buffer.AsSpan(0, count * size);
                ReadRaw((start + done) * size, piece);
                ElementConversion.ToSingle(Type, piece, destination.Slice(done, count));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
