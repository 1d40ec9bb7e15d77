using System.Text;

namespace ML.Pruning.Tokenization;

/// <summary>The 256 printable characters by which byte-level tokenizers write bytes.</summary>
/// <remarks>Radford et al. 2019 (GPT-2): the bytes 33-126, 161-172 and 174-255 stand for themselves; the others, in
/// ascending order, are U+0100 and up.</remarks>
internal static class ByteLevelAlphabet
{
    private static readonly char[] s_charOfByte = MakeCharacters();
    private static readonly short[] s_byteOfChar = MakeBytes();

    /// <summary>The character of a byte.</summary>
    public static char ToChar(byte value) => s_charOfByte[value];

    /// <summary>The byte of a character, or -1.</summary>
    public static int ToByte(char value) => value < s_byteOfChar.Length ? s_byteOfChar[value] : -1;

    /// <summary>Writes a piece's UTF-8 bytes; each keeps the place of the character it came from.</summary>
    public static Piece Encode(Piece piece)
    {
        string text = piece.Text;
        int length = Encoding.UTF8.GetByteCount(text);
        if (length == text.Length && piece.Map is null && !text.AsSpan().ContainsAnyExceptInRange('!', '~'))
            return piece;
        var characters = new char[length];
        var map = new int[length + 1];
        Span<byte> bytes = stackalloc byte[4];
        int written = 0;
        int at = 0;
        while (at < text.Length)
        {
            Rune.DecodeFromUtf16(text.AsSpan(at), out Rune rune, out int consumed);
            int count = rune.EncodeToUtf8(bytes);
            int position = piece.Position(at);
            for (int k = 0; k < count; k++)
            {
                map[written] = position;
                characters[written++] = s_charOfByte[bytes[k]];
            }
            at += consumed;
        }
        map[length] = piece.End;
        return new Piece(new string(characters), map, piece.Start);
    }

    /// <summary>Appends the bytes a token writes; one outside the alphabet gives its own UTF-8 bytes.</summary>
    public static void Decode(string token, List<byte> bytes)
    {
        int start = bytes.Count;
        foreach (char c in token)
        {
            int value = ToByte(c);
            if (value < 0)
            {
                bytes.RemoveRange(start, bytes.Count - start);
                bytes.AddRange(Encoding.UTF8.GetBytes(token));
                return;
            }
            bytes.Add((byte)value);
        }
    }

    private static char[] MakeCharacters()
    {
        var characters = new char[256];
        int next = 256;
        for (int value = 0; value < 256; value++)
        {
            bool itself = value is (>= 33 and <= 126) or (>= 161 and <= 172) or (>= 174 and <= 255);
            characters[value] = (char)(itself ? value : next++);
        }
        return characters;
    }

    private static short[] MakeBytes()
    {
        var bytes = new short[s_charOfByte.Max() + 1];
        bytes.AsSpan().Fill(-1);
        for (int value = 0; value < 256; value++)
            bytes[s_charOfByte[value]] = (short)value;
        return bytes;
    }
}
