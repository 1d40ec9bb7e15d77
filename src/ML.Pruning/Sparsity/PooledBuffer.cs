using System.Buffers;

namespace ML.Pruning.Sparsity;

/// <summary>A rented array of exactly the length asked for, given back when disposed. Its content is
/// arbitrary.</summary>
internal readonly ref struct PooledBuffer<T>(int length)
{
    private readonly T[] _array = ArrayPool<T>.Shared.Rent(length);

    /// <summary>The elements.</summary>
    public Span<T> Span => _array.AsSpan(0, length);

    /// <summary>Gives the array back.</summary>
    public void Dispose() => ArrayPool<T>.Shared.Return(_array);
}
