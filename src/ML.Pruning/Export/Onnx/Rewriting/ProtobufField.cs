using System.Buffers.Binary;
using System.Text;
using ML.Pruning.Models;

namespace ML.Pruning.Export.Onnx.Rewriting;

/// <summary>One field of a protobuf message, as it was read.</summary>
/// <param name="Number">Field number.</param>
/// <param name="Value">What an integer field holds; else 0.</param>
/// <param name="Content">The bytes of a text, of bytes, of a nested message or of a fixed number; else empty.</param>
/// <param name="Raw">The whole field, tag included.</param>
internal readonly record struct ProtobufField(
    int Number, long Value, ReadOnlyMemory<byte> Content, ReadOnlyMemory<byte> Raw)
{
    private const int MaxVarintBytes = 10;

    /// <summary>The content as a text.</summary>
    public string Text => Encoding.UTF8.GetString(Content.Span);

    /// <summary>Reads the fields of a message in their order.</summary>
    /// <param name="message">The bytes of the message.</param>
    /// <returns>The fields.</returns>
    /// <exception cref="ModelFormatException">The bytes are no message.</exception>
    public static List<ProtobufField> Read(ReadOnlyMemory<byte> message)
    {
        var fields = new List<ProtobufField>();
        for (int at = 0; at < message.Length;)
        {
            int start = at;
            ulong tag = Varint(message.Span, ref at);
            ulong value = 0;
            int length = 0;
            switch (tag & 7)
            {
                case 0: value = Varint(message.Span, ref at); break;
                case 1: length = sizeof(double); break;
                case 2:
                    ulong size = Varint(message.Span, ref at);
                    length = size <= int.MaxValue ? (int)size : throw Damaged(start);
                    break;
                case 5: length = sizeof(float); break;
                default: throw Damaged(start);
            }

            if (length > message.Length - at || tag >> 3 is 0 or > int.MaxValue) throw Damaged(start);
            at += length;
            fields.Add(new ProtobufField(
                (int)(tag >> 3), (long)value, message.Slice(at - length, length), message[start..at]));
        }

        return fields;
    }

    /// <summary>The integers of a repeated field: one, or many packed.</summary>
    /// <returns>The integers.</returns>
    /// <exception cref="ModelFormatException">The bytes are no integers.</exception>
    public List<long> Integers()
    {
        if ((Raw.Span[0] & 7) == 0) return [Value];
        var values = new List<long>();
        for (int at = 0; at < Content.Length;) values.Add((long)Varint(Content.Span, ref at));
        return values;
    }

    /// <summary>The floats of a repeated field: one, or many packed.</summary>
    /// <returns>The floats.</returns>
    public float[] Floats()
    {
        var values = new float[Content.Length / sizeof(float)];
        for (int i = 0; i < values.Length; i++)
            values[i] = BinaryPrimitives.ReadSingleLittleEndian(Content.Span[(i * sizeof(float))..]);
        return values;
    }

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (int i = 0; i < MaxVarintBytes && at < bytes.Length; i++)
        {
            byte next = bytes[at++];
            value |= (ulong)(next & 127) << 7 * i;
            if (next < 128) return value;
        }

        throw Damaged(at);
    }

    private static ModelFormatException Damaged(int at) =>
        new($"The ONNX file is damaged: there is no protobuf field at byte {at} of a message.");
}
