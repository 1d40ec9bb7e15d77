using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace ML.Pruning.Tokenization.SentencePiece;

/// <summary>Reads the fields of one protocol-buffers message; every length is checked against what is left.</summary>
/// <param name="message">The bytes of the message.</param>
/// <param name="place">The message's name in errors.</param>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message, string place)
{
    private const int VarintType = 0;
    private const int Fixed64Type = 1;
    private const int BytesType = 2;
    private const int Fixed32Type = 5;

    private readonly ReadOnlySpan<byte> _message = message;
    private int _position;
    private int _wireType;

    /// <summary>Moves to the next field; its value must then be read or skipped.</summary>
    public bool Next(out int field)
    {
        field = 0;
        if (_position == _message.Length)
            return false;
        ulong key = Varint();
        _wireType = (int)(key & 7);
        if (key >> 3 is 0 or > (1 << 29) - 1)
            throw Error("has an impossible field number");
        field = (int)(key >> 3);
        return true;
    }

    /// <summary>An integer from 0 to 2^31 - 1; anything else, negative numbers included, gives -1.</summary>
    public int ReadInt32()
    {
        Expect(VarintType);
        ulong value = Varint();
        return value <= int.MaxValue ? (int)value : -1;
    }

    /// <summary>A Boolean.</summary>
    public bool ReadBoolean()
    {
        Expect(VarintType);
        return Varint() != 0;
    }

    /// <summary>A float32.</summary>
    public float ReadSingle()
    {
        Expect(Fixed32Type);
        return BinaryPrimitives.ReadSingleLittleEndian(Take(4));
    }

    /// <summary>A string.</summary>
    public string ReadString()
    {
        ReadOnlySpan<byte> bytes = ReadBytes();
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw Error("has text that is not UTF-8");
    }

    /// <summary>The bytes of a string or an inner message.</summary>
    public ReadOnlySpan<byte> ReadBytes()
    {
        Expect(BytesType);
        return TakeLengthPrefixed();
    }

    /// <summary>Passes over the field's value.</summary>
    public void Skip()
    {
        switch (_wireType)
        {
            case VarintType:
                Varint();
                break;
            case Fixed64Type:
                Take(8);
                break;
            case BytesType:
                TakeLengthPrefixed();
                break;
            case Fixed32Type:
                Take(4);
                break;
            default:
                throw Error($"has the wire type {_wireType}; 0, 1, 2 and 5 are supported");
        }
    }

    private readonly TokenizerFormatException Error(string what)
        => new($"{place} {what} (byte {_position} of {_message.Length}); it is no SentencePiece model or is damaged.");

    private readonly void Expect(int wireType)
    {
        if (_wireType != wireType)
            throw Error($"has the wire type {_wireType} where {wireType} is needed");
    }

    private ReadOnlySpan<byte> TakeLengthPrefixed()
    {
        ulong length = Varint();
        return length <= int.MaxValue ? Take((int)length) : throw Error("has an impossible length");
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _message.Length - _position)
            throw Error("ends inside a field");
        ReadOnlySpan<byte> bytes = _message.Slice(_position, length);
        _position += length;
        return bytes;
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = Take(1)[0];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
        throw Error("has a number of more than 64 bits");
    }
}
