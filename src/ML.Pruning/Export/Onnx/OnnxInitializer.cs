using System.Runtime.InteropServices;
using ML.Pruning.Checkpoints;

namespace ML.Pruning.Export.Onnx;

/// <summary>A constant tensor of a graph. Large ones are read piece by piece when the file is written.</summary>
internal sealed class OnnxInitializer
{
    private const int PieceElements = 1 << 18;
    private readonly Action<Stream, CancellationToken> _write;

    private OnnxInitializer(string name, OnnxElement element, IReadOnlyList<long> shape, long byteLength,
        Action<Stream, CancellationToken> write)
    {
        Name = name;
        Element = element;
        Shape = shape;
        ByteLength = byteLength;
        _write = write;
    }

    /// <summary>The value's name in the graph.</summary>
    public string Name { get; }

    /// <summary>The element type.</summary>
    public OnnxElement Element { get; }

    /// <summary>The dimensions.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Bytes of the data.</summary>
    public long ByteLength { get; }

    /// <summary>A stored tensor, widened to float32.</summary>
    /// <param name="name">The value's name.</param>
    /// <param name="tensor">The tensor.</param>
    /// <returns>The constant.</returns>
    public static OnnxInitializer Of(string name, StoredTensor tensor) => new(
        name, OnnxElement.Float, tensor.Shape, tensor.ElementCount * sizeof(float),
        (stream, token) => Write(tensor, stream, token));

    /// <summary>Values in memory.</summary>
    /// <typeparam name="T">float, int, long or a byte.</typeparam>
    /// <param name="name">The value's name.</param>
    /// <param name="values">The elements in row-major order.</param>
    /// <param name="shape">The dimensions; empty for a scalar.</param>
    /// <returns>The constant.</returns>
    public static OnnxInitializer Of<T>(string name, T[] values, params long[] shape)
        where T : unmanaged => new(
        name, ElementOf(typeof(T)), shape, Buffer.ByteLength(values),
        (stream, _) => stream.Write(MemoryMarshal.AsBytes<T>(values)));

    /// <summary>Writes the data, little-endian.</summary>
    /// <param name="destination">The stream.</param>
    /// <param name="cancellationToken">Checked before each piece.</param>
    public void WriteData(Stream destination, CancellationToken cancellationToken) =>
        _write(destination, cancellationToken);

    private static OnnxElement ElementOf(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Single => OnnxElement.Float,
        TypeCode.Byte => OnnxElement.UInt8,
        TypeCode.SByte => OnnxElement.Int8,
        TypeCode.Int32 => OnnxElement.Int32,
        TypeCode.Int64 => OnnxElement.Int64,
        _ => throw new NotSupportedException($"No ONNX element type is known for {type}."),
    };

    private static void Write(StoredTensor tensor, Stream destination, CancellationToken cancellationToken)
    {
        var piece = new float[(int)Math.Min(PieceElements, tensor.ElementCount)];
        for (long start = 0; start < tensor.ElementCount; start += piece.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Span<float> values = piece.AsSpan(0, (int)Math.Min(piece.Length, tensor.ElementCount - start));
            tensor.Read(start, values);
            destination.Write(MemoryMarshal.AsBytes(values));
        }
    }
}
