using System.Globalization;

namespace ML.Pruning.Sparsity;

/// <summary>Which shapes of zeros a mask may have.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public abstract record SparsityPattern
{
    private const string LegalForms =
        "legal forms are 'unstructured', 'N:M' with 1 <= N < M <= 256 such as '2:4', and "
        + "'block:RxC' such as 'block:16x4'";

    private protected SparsityPattern()
    {
    }

    /// <summary>Any weight may go.</summary>
    public static UnstructuredPattern Unstructured { get; } = new();

    /// <summary>The fraction of zeros that the pattern itself sets, or null when it can be chosen.</summary>
    public virtual double? ImpliedSparsity => null;

    /// <summary>Reads the text that <see cref="object.ToString"/> writes.</summary>
    /// <param name="text">Such as <c>unstructured</c>, <c>2:4</c> or <c>block:16x4</c>; case does not matter.</param>
    /// <returns>The pattern.</returns>
    /// <exception cref="ArgumentException">No such pattern; the message lists the legal forms.</exception>
    public static SparsityPattern Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string lower = text.Trim().ToLowerInvariant();
        if (lower == "unstructured") return Unstructured;
        const string Block = "block:";
        if (lower.StartsWith(Block, StringComparison.Ordinal))
        {
            return TryPair(lower[Block.Length..], 'x', out int rows, out int columns)
                && BlockPattern.IsLegal(rows, columns)
                ? new BlockPattern(rows, columns)
                : throw Illegal(text);
        }

        return TryPair(lower, ':', out int n, out int m) && NofMPattern.IsLegal(n, m)
            ? new NofMPattern(n, m)
            : throw Illegal(text);
    }

    /// <summary>Why a matrix cannot have this pattern.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <returns>The reason, to follow the name of the tensor; null when it can.</returns>
    public virtual string? WhyIndivisible(int rows, int columns) => null;

    private static bool TryPair(string text, char separator, out int first, out int second)
    {
        first = second = 0;
        string[] parts = text.Split(separator);
        return parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out first)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out second);
    }

    private static ArgumentException Illegal(string text) =>
        new($"'{text}' is no sparsity pattern; {LegalForms}.", nameof(text));
}
