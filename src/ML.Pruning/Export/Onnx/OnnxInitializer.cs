using System.Runtime.InteropServices;
using ML.Pruning.Checkpoints;

namespace ML.Pruning.Export.Onnx;

/// <summary>A constant tensor of a graph. Large ones are made piece by piece when the file is written.</summary>
/// <param name="name">The value's name in the graph.</param>
/// <param name="element">The element type.</param>
internal abstract class OnnxInitializer(string name, OnnxElement element)
{
    private const int PieceElements = 1 << 18;

    /// <summary>The value's name in the graph.</summary>
    public string Name { get; } = name;

    /// <summary>The element type.</summary>
    public OnnxElement Element { get; } = element;

    /// <summary>The dimensions.</summary>
    public abstract IReadOnlyList<long> Shape { get; }

    /// <summary>Bytes of the data.</summary>
    public abstract long ByteLength { get; }

    /// <summary>A stored tensor, widened to float32.</summary>
    /// <param name="name">The value's name.</param>
    /// <param name="tensor">The tensor.</param>
    /// <returns>The constant.</returns>
    public static OnnxInitializer Of(string name, StoredTensor tensor) => new Stored(name, tensor);

    /// <summary>Values in memory.</summary>
    /// <typeparam name="T">float, byte, sbyte, int or long.</typeparam>
    /// <param name="name">The value's name.</param>
    /// <param name="values">The elements in row-major order.</param>
    /// <param name="shape">The dimensions; empty for a scalar.</param>
    /// <returns>The constant.</returns>
    public static OnnxInitializer Of<T>(string name, T[] values, params long[] shape)
        where T : unmanaged => new InMemory<T>(name, values, shape);

    /// <summary>Writes the data, little-endian.</summary>
    /// <param name="destination">The stream.</param>
    /// <param name="cancellationToken">Checked before each piece.</param>
    public abstract void WriteData(Stream destination, CancellationToken cancellationToken);

    private static OnnxElement ElementOf(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Single => OnnxElement.Float,
        TypeCode.Byte => OnnxElement.UInt8,
        TypeCode.SByte => OnnxElement.Int8,
        TypeCode.Int32 => OnnxElement.Int32,
        TypeCode.Int64 => OnnxElement.Int64,
        _ => throw new NotSupportedException($"No ONNX element type is known for {type}."),
    };

    private sealed class Stored(string name, StoredTensor tensor) : OnnxInitializer(name, OnnxElement.Float)
    {
        public override IReadOnlyList<long> Shape => tensor.Shape;

        public override long ByteLength => tensor.ElementCount * sizeof(float);

        public override void WriteData(Stream destination, CancellationToken cancellationToken)
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

    private sealed class InMemory<T>(string name, T[] values, long[] shape)
        : OnnxInitializer(name, ElementOf(typeof(T)))
        where T : unmanaged
    {
        public override IReadOnlyList<long> Shape => shape;

        public override long ByteLength => Buffer.ByteLength(values);

        public override void WriteData(Stream destination, CancellationToken cancellationToken) =>
            destination.Write(MemoryMarshal.AsBytes<T>(values));
    }
}
