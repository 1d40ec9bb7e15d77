using System.Numerics;

namespace ML.Pruning.Checkpoints;

/// <summary>Codes of 4 bits with one bfloat16 scale for each group of consecutive columns of a row.</summary>
/// <remarks>bfloat16 because it has the range of float32: no scale overflows or vanishes. Its 8 significant bits cost
/// nothing that counts, since codes are chosen for the scale as rounded.</remarks>
public sealed record Int4Groups : WeightGrid
{
    /// <summary>Columns of a group unless told otherwise.</summary>
    public const int DefaultGroupSize = 64;

    /// <summary>The most columns of a group.</summary>
    internal const int MaxGroupSize = 4096;

    private const int MinGroupSize = 8;

    /// <summary>Creates the grid.</summary>
    /// <param name="groupSize">Columns of a group: a power of two from 8 to 4096.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is another number.</exception>
    public Int4Groups(int groupSize = DefaultGroupSize)
    {
        if (!IsLegal(groupSize))
        {
            throw new ArgumentOutOfRangeException(nameof(groupSize), groupSize,
                $"The columns of a group are a power of two from {MinGroupSize} to {MaxGroupSize}.");
        }
        GroupSize = groupSize;
    }

    // For files of others, whose groups may have any size.
    internal static Int4Groups OfAnySize(int groupSize) => new() { GroupSize = groupSize };

    /// <summary>Columns of a group.</summary>
    public int GroupSize { get; private init; }

    /// <inheritdoc/>
    public override int Bits => 4;

    /// <inheritdoc/>
    public override TensorType ScaleType => TensorType.BF16;

    /// <inheritdoc/>
    public override int GroupColumns(int columns) => GroupSize;

    /// <inheritdoc/>
    public override string ToString() => GroupSize == DefaultGroupSize ? "int4" : $"int4:g{GroupSize}";

    internal static bool IsLegal(int size) => size is >= MinGroupSize and <= MaxGroupSize && BitOperations.IsPow2(size);

    // Eight codes to a 32-bit word, rows apart.
    private protected override long CodeBytes(int columns) => (columns + 7L) / 8 * sizeof(int);
}
