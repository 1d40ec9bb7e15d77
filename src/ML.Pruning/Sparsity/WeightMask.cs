using System.Numerics;
using System.Numerics.Tensors;
using ML.Pruning.Checkpoints;

namespace ML.Pruning.Sparsity;

/// <summary>Which weights of a matrix are kept: one bit each.</summary>
/// <remarks>Immutable once built and then thread-safe. Each row starts at a new 64-bit word.</remarks>
public sealed class WeightMask : IEquatable<WeightMask>
{
    /// <summary>Columns of a word.</summary>
    internal const int WordBits = 64;

    private readonly ulong[] _words;
    private readonly int _wordsPerRow;

    /// <summary>Creates a mask that keeps everything.</summary>
    /// <param name="rows">Rows, at least 0.</param>
    /// <param name="columns">Columns, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    public WeightMask(int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        Rows = rows;
        Columns = columns;
        _wordsPerRow = (columns + WordBits - 1) / WordBits;
        _words = GC.AllocateUninitializedArray<ulong>(checked(rows * _wordsPerRow));
        Array.Fill(_words, ulong.MaxValue);
        int used = columns % WordBits;
        if (used == 0) return;
        for (int row = 0; row < rows; row++) Words(row)[^1] = (1UL << used) - 1;
    }

    /// <summary>Output features.</summary>
    public int Rows { get; }

    /// <summary>Input features.</summary>
    public int Columns { get; }

    /// <summary>Number of weights.</summary>
    public long Count => (long)Rows * Columns;

    /// <summary>Number of weights that are kept.</summary>
    public long KeptCount
    {
        get
        {
            long kept = 0;
            foreach (ulong word in _words) kept += BitOperations.PopCount(word);
            return kept;
        }
    }

    /// <summary>Number of weights that are removed.</summary>
    public long RemovedCount => Count - KeptCount;

    /// <summary>Whether a weight is kept.</summary>
    /// <param name="row">From 0 to <see cref="Rows"/> - 1.</param>
    /// <param name="column">From 0 to <see cref="Columns"/> - 1.</param>
    public bool this[int row, int column]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(row);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Rows);
            ArgumentOutOfRangeException.ThrowIfNegative(column);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(column, Columns);
            return IsKept(Words(row), column);
        }
    }

    /// <summary>The mask of the weights that are not zero.</summary>
    /// <param name="weight">Weights [rows, columns], row-major.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <returns>The mask.</returns>
    /// <exception cref="ArgumentException">The shape does not fit the weights.</exception>
    public static WeightMask FromNonZeros(ReadOnlySpan<float> weight, int rows, int columns)
    {
        var mask = new WeightMask(rows, columns);
        if (weight.Length != mask.Count)
        {
            throw new ArgumentException($"{weight.Length} weights were given for a shape of [{rows}, {columns}].",
                nameof(weight));
        }

        for (int row = 0; row < rows; row++) mask.RemoveZeros(row, weight.Slice(row * columns, columns));
        return mask;
    }

    /// <summary>The mask of the elements of a matrix that are not zero.</summary>
    /// <param name="tensor">A tensor of two dimensions.</param>
    /// <returns>The mask.</returns>
    /// <exception cref="ArgumentException">The tensor is no matrix.</exception>
    public static WeightMask FromNonZeros(StoredTensor tensor)
    {
        (int rows, int columns) = MatrixShape.Of(tensor);
        var mask = new WeightMask(rows, columns);
        RowChunks.ForEach(rows, columns, (firstRow, rowCount) =>
        {
            using var buffer = new PooledBuffer<float>(rowCount * columns);
            tensor.Read((long)firstRow * columns, buffer.Span);
            for (int r = 0; r < rowCount; r++) mask.RemoveZeros(firstRow + r, buffer.Span.Slice(r * columns, columns));
        }, CancellationToken.None);
        return mask;
    }

    /// <summary>The bits of a row: column c is bit c mod 64 of word c / 64; bits beyond the last column are
    /// 0.</summary>
    /// <param name="row">From 0 to <see cref="Rows"/> - 1.</param>
    public ReadOnlySpan<ulong> GetRow(int row)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Rows);
        return Words(row);
    }

    /// <summary>Sets the removed weights to 0.</summary>
    /// <param name="weight">Weights [rows, columns], row-major.</param>
    /// <exception cref="ArgumentException">The length differs from <see cref="Count"/>.</exception>
    public void Apply(Span<float> weight)
    {
        if (weight.Length != Count)
        {
            throw new ArgumentException($"{weight.Length} weights were given for a mask of [{Rows}, {Columns}].",
                nameof(weight));
        }

        for (int row = 0; row < Rows; row++)
        {
            ReadOnlySpan<ulong> words = Words(row);
            Span<float> values = weight.Slice(row * Columns, Columns);
            for (int column = 0; column < values.Length; column++)
                if (!IsKept(words, column)) values[column] = 0;
        }
    }

    /// <summary>The mask as numbers.</summary>
    /// <returns>1 where a weight is kept, else 0; [rows, columns], row-major.</returns>
    internal float[] ToArray()
    {
        var values = new float[Count];
        Array.Fill(values, 1);
        Apply(values);
        return values;
    }

    /// <inheritdoc/>
    public bool Equals(WeightMask? other) => other is not null && Rows == other.Rows && Columns == other.Columns
        && _words.AsSpan().SequenceEqual(other._words);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as WeightMask);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(Rows);
        hash.Add(Columns);
        hash.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(_words.AsSpan()));
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public override string ToString() => $"[{Rows}, {Columns}], {RemovedCount:N0} removed";

    /// <summary>Whether the column of a row is kept.</summary>
    internal static bool IsKept(ReadOnlySpan<ulong> words, int column) =>
        (words[column / WordBits] >> (column % WordBits) & 1) != 0;

    /// <summary>Removes a column of a row whose words are given.</summary>
    internal static void Remove(Span<ulong> words, int column) =>
        words[column / WordBits] &= ~(1UL << (column % WordBits));

    /// <summary>Removes up to 64 columns of a row whose words are given.</summary>
    /// <param name="words">The row.</param>
    /// <param name="firstColumn">The column of bit 0.</param>
    /// <param name="removed">A bit for each column that goes; none beyond the row.</param>
    internal static void Remove(Span<ulong> words, int firstColumn, ulong removed)
    {
        int word = firstColumn / WordBits, shift = firstColumn % WordBits;
        words[word] &= ~(removed << shift);
        if (shift > 0 && removed >> (WordBits - shift) is > 0 and var beyond) words[word + 1] &= ~beyond;
    }

    /// <summary>Keeps a column of a row whose words are given.</summary>
    internal static void Keep(Span<ulong> words, int column) =>
        words[column / WordBits] |= 1UL << (column % WordBits);

    /// <summary>The writable bits of a row. Rows may be written by different threads.</summary>
    internal Span<ulong> Words(int row) => _words.AsSpan(row * _wordsPerRow, _wordsPerRow);

    private void RemoveZeros(int row, ReadOnlySpan<float> weight)
    {
        Span<ulong> words = Words(row);
        if (!weight.Contains(0f)) return;
        for (int column = 0; column < weight.Length; column++)
            if (weight[column] == 0) Remove(words, column);
    }
}
