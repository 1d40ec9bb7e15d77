using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace ML.Pruning.Export.Onnx;

/// <summary>Builds one protobuf message field by field. ONNX needs only integers, floats, texts, bytes and nested
/// messages, so no generated classes stand behind it.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class ProtobufMessage
{
    private const int Varint = 0;
    private const int Delimited = 2;
    private const int Fixed32 = 5;
    private readonly ArrayBufferWriter<byte> _bytes = new();

    /// <summary>What was written so far.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.WrittenSpan;

    /// <summary>Writes an integer.</summary>
    /// <param name="field">Field number.</param>
    /// <param name="value">The value; negative ones take ten bytes.</param>
    /// <returns>This message.</returns>
    public ProtobufMessage Integer(int field, long value)
    {
        Tag(field, Varint);
        WriteVarint((ulong)value);
        return this;
    }

    /// <summary>Writes a float.</summary>
    /// <param name="field">Field number.</param>
    /// <param name="value">The value.</param>
    /// <returns>This message.</returns>
    public ProtobufMessage Single(int field, float value)
    {
        Tag(field, Fixed32);
        BinaryPrimitives.WriteSingleLittleEndian(_bytes.GetSpan(sizeof(float)), value);
        _bytes.Advance(sizeof(float));
        return this;
    }

    /// <summary>Writes a text.</summary>
    /// <param name="field">Field number.</param>
    /// <param name="value">The value.</param>
    /// <returns>This message.</returns>
    public ProtobufMessage Text(int field, string value) => Data(field, Encoding.UTF8.GetBytes(value));

    /// <summary>Writes bytes.</summary>
    /// <param name="field">Field number.</param>
    /// <param name="value">The value.</param>
    /// <returns>This message.</returns>
    public ProtobufMessage Data(int field, ReadOnlySpan<byte> value)
    {
        StartData(field, value.Length);
        _bytes.Write(value);
        return this;
    }

    /// <summary>Writes a nested message.</summary>
    /// <param name="field">Field number.</param>
    /// <param name="value">The complete message.</param>
    /// <returns>This message.</returns>
    public ProtobufMessage Message(int field, ProtobufMessage value) => Data(field, value.Bytes);

    /// <summary>Writes the head of a field whose bytes follow from elsewhere.</summary>
    /// <param name="field">Field number.</param>
    /// <param name="length">Number of bytes that follow.</param>
    /// <returns>This message.</returns>
    public ProtobufMessage StartData(int field, long length)
    {
        Tag(field, Delimited);
        WriteVarint((ulong)length);
        return this;
    }

    /// <summary>Appends whole fields.</summary>
    /// <param name="fields">Their bytes, tags included.</param>
    /// <returns>This message.</returns>
    public ProtobufMessage Raw(ReadOnlySpan<byte> fields)
    {
        _bytes.Write(fields);
        return this;
    }

    /// <summary>Appends the fields of another message to this one.</summary>
    /// <param name="fields">The other message.</param>
    /// <returns>This message.</returns>
    public ProtobufMessage Append(ProtobufMessage fields)
    {
        _bytes.Write(fields.Bytes);
        return this;
    }

    private void Tag(int field, int wireType) => WriteVarint((ulong)(field << 3 | wireType));

    private void WriteVarint(ulong value)
    {
        Span<byte> target = _bytes.GetSpan(10);
        int length = 0;
        for (; value >= 0x80; value >>= 7) target[length++] = (byte)(value | 0x80);
        target[length++] = (byte)value;
        _bytes.Advance(length);
    }
}
