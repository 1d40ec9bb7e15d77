using System.Text;

namespace Microsoft.ML.Data;

/// <summary>Reads the lines of text files and splits them into fields, by the rules of the real loader.</summary>
/// <remarks>
/// Before the first content line, lines that are empty or begin with '#' or '//' are comments; after it, empty ones and
/// those that begin with '//'. A header is the first content line of each file. Spaces before a field do not count
/// unless the space is a separator. A field that opens with a quote runs to the closing one; two quotes are one.
/// </remarks>
internal sealed class LineReader(TextLoader.Options options)
{
    private readonly char[] _separators = options.Separators;
    private readonly bool _spaceSeparates = options.Separators.Contains(' ');

    /// <summary>The fields of each row and the number of its first line in its file. The list is reused.</summary>
    internal IEnumerable<(long Line, List<ReadOnlyMemory<char>> Fields)> Read(IMultiStreamSource source)
    {
        var fields = new List<ReadOnlyMemory<char>>();
        long rows = 0;
        for (int file = 0; file < source.Count; file++)
        {
            using TextReader reader = source.OpenTextReader(file);
            bool inHeader = true;
            long line = 0;
            while (reader.ReadLine() is { } text)
            {
                line++;
                if (text.Length == 0 || text.StartsWith("//", StringComparison.Ordinal)) continue;
                if (inHeader && text[0] == '#') continue;
                bool skip = inHeader && options.HasHeader;
                inHeader = false;
                if (skip) continue;
                if (rows++ >= (options.MaxRows ?? long.MaxValue)) yield break;
                long first = line;
                while (!Split(text, fields) && options.ReadMultilines && reader.ReadLine() is { } next)
                {
                    line++;
                    text = $"{text}\n{next}";
                }
                yield return (first, fields);
            }
        }
    }

    /// <summary>False when a quote was left open; that field is then empty.</summary>
    private bool Split(string text, List<ReadOnlyMemory<char>> fields)
    {
        fields.Clear();
        bool closed = true;
        int end = options.TrimWhitespace ? text.AsSpan().TrimEnd().Length : text.Length;
        int at = 0;
        while (true)
        {
            if (!_spaceSeparates)
                while (at < end && text[at] == ' ')
                    at++;
            ReadOnlyMemory<char> field;
            if (options.AllowQuoting && at < end && text[at] == '"')
                (field, closed) = Quoted(text, end, ref at);
            else
            {
                int length = text.AsSpan(at, end - at).IndexOfAny(_separators);
                if (length < 0) length = end - at;
                field = text.AsMemory(at, length);
                if (options.TrimWhitespace) field = field.TrimEnd();
                at += length;
            }
            fields.Add(field);
            if (at >= end) return closed;
            at++;
        }
    }

    /// <summary>Leaves <paramref name="at"/> on the next separator, or at the end.</summary>
    private (ReadOnlyMemory<char> Field, bool Closed) Quoted(string text, int end, ref int at)
    {
        var content = new StringBuilder();
        bool closed = false;
        for (at++; at < end; at++)
        {
            if (text[at] != '"') content.Append(text[at]);
            else if (at + 1 < end && text[at + 1] == '"') content.Append(text[at++]);
            else
            {
                closed = true;
                at++;
                break;
            }
        }
        // Only spaces may follow the closing quote; anything else makes the field an error, which is read as empty.
        bool good = closed;
        while (at < end && !_separators.Contains(text[at])) good &= text[at++] == ' ';
        return (good ? content.ToString().AsMemory() : default, closed);
    }
}
