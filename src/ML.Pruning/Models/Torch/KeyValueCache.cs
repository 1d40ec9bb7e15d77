using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>Keys and values of the tokens that one layer has seen.</summary>
/// <remarks>The buffers double when full, up to the limit. Without gradients only. Not thread-safe.</remarks>
/// <param name="limit">Tokens at most: the model's context.</param>
internal sealed class KeyValueCache(int limit) : IDisposable
{
    private const int FirstCapacity = 64;
    private Tensor? _keys;
    private Tensor? _values;
    private int _capacity;

    /// <summary>Tokens seen.</summary>
    public int Length { get; private set; }

    /// <summary>Appends keys and values and gives those of all tokens so far.</summary>
    /// <param name="keys">[B, H, T, d].</param>
    /// <param name="values">[B, H, T, d].</param>
    /// <returns>Views [B, H, length, d] of the buffers.</returns>
    public (Tensor Keys, Tensor Values) Append(Tensor keys, Tensor values)
    {
        int added = (int)keys.shape[2];
        Reserve(Length + added, keys);
        using (DisposeScope scope = NewDisposeScope())
        {
            _keys!.narrow(2, Length, added).copy_(keys);
            _values!.narrow(2, Length, added).copy_(values);
        }

        Length += added;
        return (_keys.narrow(2, 0, Length), _values.narrow(2, 0, Length));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _keys?.Dispose();
        _values?.Dispose();
        _keys = null;
        _values = null;
        _capacity = 0;
        Length = 0;
    }

    private void Reserve(int needed, Tensor like)
    {
        if (needed > limit)
            throw new ArgumentException($"The key/value cache would hold {needed} tokens; the context is {limit}.");
        if (needed <= _capacity) return;

        _capacity = Math.Min(limit, Math.Max(needed, Math.Max(FirstCapacity, 2 * _capacity)));
        _keys = Grow(_keys, like);
        _values = Grow(_values, like);
    }

    private Tensor Grow(Tensor? old, Tensor like)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor grown = empty(like.shape[0], like.shape[1], _capacity, like.shape[3], dtype: like.dtype);
        if (old is not null)
        {
            if (Length > 0) grown.narrow(2, 0, Length).copy_(old.narrow(2, 0, Length));
            old.Dispose();
        }

        return grown.DetachFromDisposeScope();
    }
}
