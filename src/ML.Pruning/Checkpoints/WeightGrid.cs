using System.Globalization;

namespace ML.Pruning.Checkpoints;

/// <summary>A symmetric integer grid for weights: a weight is a small integer (its code) times a scale that some
/// consecutive input columns of a row share.</summary>
/// <remarks>Zero is on every grid, exactly. Codes go from -<see cref="MaxCode"/> to <see cref="MaxCode"/>; files of
/// others may hold one code below. Immutable and thread-safe. <see cref="Quantizer"/> does the arithmetic.</remarks>
public abstract record WeightGrid
{
    private const string LegalForms = "legal forms are 'int8' (one scale a row), 'int4' (one scale for each 64 columns "
        + "of a row) and 'int4:gN' with N a power of two from 8 to 4096, such as 'int4:g128'";

    private protected WeightGrid()
    {
    }

    /// <summary>Bits of a code: 8 or 4.</summary>
    public abstract int Bits { get; }

    /// <summary>The largest code: 127 or 7.</summary>
    public int MaxCode => (1 << (Bits - 1)) - 1;

    /// <summary>The type in which scales are stored, and to which they are rounded before any code is chosen.</summary>
    public abstract TensorType ScaleType { get; }

    /// <summary>Consecutive columns of a row that share a scale, aligned from column 0; the last group may be narrower.
    /// </summary>
    /// <param name="columns">Columns of the matrix.</param>
    /// <returns>At least 1.</returns>
    public abstract int GroupColumns(int columns);

    /// <summary>Scales of one row.</summary>
    /// <param name="columns">Columns of the matrix.</param>
    public int Groups(int columns)
    {
        int width = GroupColumns(columns);
        return columns / width + (columns % width == 0 ? 0 : 1);
    }

    /// <summary>Bytes of a matrix on this grid: codes and scales.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    public long StorageBytes(int rows, int columns) => rows * (CodeBytes(columns)
        + (long)Groups(columns) * ScaleType.BitsPerElement() / 8);

    /// <summary>Reads the text that <see cref="object.ToString"/> writes.</summary>
    /// <param name="text">Such as <c>int8</c>, <c>int4</c> or <c>int4:g128</c>; case does not matter.</param>
    /// <returns>The grid.</returns>
    /// <exception cref="ArgumentException">No such grid; the message lists the legal forms.</exception>
    public static WeightGrid Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        const string Int4 = "int4:g";
        string lower = text.Trim().ToLowerInvariant();
        if (lower == "int8")
            return new Int8PerRow();
        if (lower == "int4")
            return new Int4Groups();
        bool legal = lower.StartsWith(Int4, StringComparison.Ordinal)
            & int.TryParse(lower.AsSpan(Math.Min(Int4.Length, lower.Length)), NumberStyles.None,
                CultureInfo.InvariantCulture, out int size) && Int4Groups.IsLegal(size);
        return legal
            ? new Int4Groups(size)
            : throw new ArgumentException($"{Show.Quote(text)} is no grid for weights; {LegalForms}.", nameof(text));
    }

    /// <summary>Bytes of the codes of one row.</summary>
    private protected abstract long CodeBytes(int columns);
}
