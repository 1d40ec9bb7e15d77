namespace ML.Pruning.Checkpoints;

/// <summary>File names that stay inside their folder.</summary>
internal static class PlainName
{
    private const int MaxLength = 255;

    /// <summary>Whether the text is the name of one file: no separators, no drive, no <c>..</c>, no control characters,
    /// nothing that a system reads as another name.</summary>
    public static bool IsValid(string name) =>
        name.Length is > 0 and <= MaxLength
        && name.AsSpan().IndexOfAny("/\\:*?\"<>|") < 0
        && !name.Any(char.IsControl)
        && name.Trim('.', ' ').Length > 0
        && name[^1] is not ('.' or ' ');
}
