using System.Numerics;

namespace Microsoft.ML.Data;

/// <summary>A 128-bit row identity; Next, Fork and Combine are unmixed MurmurHash3 x64-128 block steps.</summary>
public readonly struct DataViewRowId : IComparable<DataViewRowId>, IEquatable<DataViewRowId>
{
    public readonly ulong Low;
    public readonly ulong High;

    private const ulong C1 = 0x87c37b91114253d5;
    private const ulong C2 = 0x4cf5ad432745937f;

    public DataViewRowId(ulong low, ulong high)
    {
        Low = low;
        High = high;
    }

    /// <summary>The state after one more block (0, 0).</summary>
    public DataViewRowId Next() => Block(0, 0);

    /// <summary>The real package applies the key of the block (1, 0) after the block (0, 0), not before it.</summary>
    public DataViewRowId Fork()
    {
        DataViewRowId next = Next();
        return new DataViewRowId(next.Low ^ BitOperations.RotateLeft(C1, 31) * C2, next.High);
    }

    public DataViewRowId Combine(DataViewRowId other)
    {
        DataViewRowId fork = other.Fork();
        ulong key1 = BitOperations.RotateLeft(fork.Low * C1, 31) * C2;
        ulong key2 = BitOperations.RotateLeft(fork.High * C2, 33) * C1;
        return Block(key1, key2);
    }

    public int CompareTo(DataViewRowId other) => (High, Low).CompareTo((other.High, other.Low));

    public bool Equals(DataViewRowId other) => Low == other.Low && High == other.High;

    public override bool Equals(object obj) => obj is DataViewRowId other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Low, High);

    public override string ToString() => $"{High:x16}{Low:x16}";

    private DataViewRowId Block(ulong key1, ulong key2)
    {
        ulong low = (BitOperations.RotateLeft(Low ^ key1, 27) + High) * 5 + 0x52dce729;
        ulong high = (BitOperations.RotateLeft(High ^ key2, 31) + low) * 5 + 0x38495ab5;
        return new DataViewRowId(low, high);
    }
}
