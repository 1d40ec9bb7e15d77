using System.Buffers;
using System.Text;

namespace ML.Pruning.Tokenization;

/// <summary>Finds added tokens in a text: the leftmost first, the longest of those that begin there.</summary>
internal sealed class AddedTokenMatcher
{
    private readonly Dictionary<char, List<(string Text, AddedToken Token)>> _byFirst = [];
    private readonly SearchValues<char> _firsts;

    /// <summary>Makes the matcher.</summary>
    /// <param name="tokens">The tokens and the text by which each is found; empty texts are never found.</param>
    public AddedTokenMatcher(IEnumerable<(string Text, AddedToken Token)> tokens)
    {
        foreach ((string text, AddedToken token) in tokens)
        {
            if (text.Length == 0)
                continue;
            if (!_byFirst.TryGetValue(text[0], out List<(string Text, AddedToken Token)>? list))
                _byFirst[text[0]] = list = [];
            list.Add((text, token));
        }
        foreach (List<(string Text, AddedToken Token)> list in _byFirst.Values)
            list.Sort((a, b) => b.Text.Length.CompareTo(a.Text.Length));
        _firsts = SearchValues.Create([.. _byFirst.Keys]);
    }

    /// <summary>A stretch [start, end) of the text that stands for an added token.</summary>
    internal readonly record struct Match(AddedToken Token, int Start, int End);

    /// <summary>The matches, ascending and not overlapping, with the white space that each takes.</summary>
    public List<Match> Find(string text)
    {
        var matches = new List<Match>();
        int taken = 0;
        int at = 0;
        while (_byFirst.Count > 0 && text.AsSpan(at).IndexOfAny(_firsts) is var offset and >= 0)
        {
            at += offset;
            if (LongestAt(text, at) is not { Token: { } token } found)
            {
                at++;
                continue;
            }
            int start = at;
            int end = at + found.Text.Length;
            at = end;
            if (token.SingleWord && (EndsInWord(text.AsSpan(0, start)) || StartsWithWord(text.AsSpan(end))))
                continue;
            if (token.LeftStrip)
                start = Math.Max(text.AsSpan(0, start).TrimEnd().Length, taken);
            if (token.RightStrip)
                end = text.Length - text.AsSpan(end).TrimStart().Length;
            start = Math.Max(start, taken);
            matches.Add(new Match(token, start, end));
            taken = end;
            at = Math.Max(at, end);
        }
        return matches;
    }

    private (string Text, AddedToken? Token) LongestAt(string text, int at)
    {
        foreach ((string candidate, AddedToken token) in _byFirst[text[at]])
        {
            if (text.AsSpan(at).StartsWith(candidate, StringComparison.Ordinal))
                return (candidate, token);
        }
        return default;
    }

    private static bool EndsInWord(ReadOnlySpan<char> text)
        => Rune.DecodeLastFromUtf16(text, out Rune rune, out _) == OperationStatus.Done
            && CharacterClasses.IsWord(rune);

    private static bool StartsWithWord(ReadOnlySpan<char> text)
        => Rune.DecodeFromUtf16(text, out Rune rune, out _) == OperationStatus.Done
            && CharacterClasses.IsWord(rune);
}
