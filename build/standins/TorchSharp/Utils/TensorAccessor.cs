#pragma warning disable CS8500 // T is an element type, so unmanaged; the real constraint is struct.
using System.Collections;

namespace TorchSharp.Utils;

/// <summary>Typed access to the memory of a CPU tensor, in logical order whatever its strides.</summary>
public sealed unsafe class TensorAccessor<T> : IDisposable, IEnumerable<T>
    where T : struct
{
    private readonly long[] _sizes;
    private readonly long[] _strides;
    private readonly bool _contiguous;
    private torch.Tensor _tensor;

    internal TensorAccessor(torch.Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU)
            throw new InvalidOperationException("Reading the data of a tensor that is not on the CPU. Move it first.");
        _tensor = tensor;
        _sizes = tensor.shape;
        _strides = tensor.stride();
        _contiguous = tensor.is_contiguous();
        Count = tensor.numel();
    }

    public long Count { get; }

    public bool IsReadOnly => false;

    public T this[params long[] indices]
    {
        get => *Address(Offset(indices));
        set => *Address(Offset(indices)) = value;
    }

    public T[] ToArray()
    {
        var result = new T[Count];
        CopyTo(result.AsSpan());
        return result;
    }

    public Array ToNDArray()
    {
        if (_sizes.Length == 0)
            return ToArray();
        var result = Array.CreateInstance(typeof(T), _sizes);
        var indices = new long[_sizes.Length];
        foreach (var value in this)
        {
            result.SetValue(value, indices);
            for (int d = _sizes.Length - 1; d >= 0 && ++indices[d] == _sizes[d]; d--)
                indices[d] = 0;
        }
        return result;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) =>
        CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        CheckStart(tensorIndex);
        long length = Math.Min(array.Length - arrayIndex, Count - tensorIndex);
        var target = array.Slice(arrayIndex, checked((int)length));
        if (_contiguous)
        {
            new ReadOnlySpan<T>(Address(tensorIndex), target.Length).CopyTo(target);
        }
        else
        {
            for (int i = 0; i < target.Length; i++)
                target[i] = *Address(LinearOffset(tensorIndex + i));
        }
        GC.KeepAlive(_tensor);
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) =>
        CopyFrom(array.AsSpan(), arrayIndex, tensorIndex);

    public void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        CheckStart(tensorIndex);
        long length = Math.Min(array.Length - arrayIndex, Count - tensorIndex);
        var source = array.Slice(arrayIndex, checked((int)length));
        if (_contiguous)
        {
            source.CopyTo(new Span<T>(Address(tensorIndex), source.Length));
        }
        else
        {
            for (int i = 0; i < source.Length; i++)
                *Address(LinearOffset(tensorIndex + i)) = source[i];
        }
        GC.KeepAlive(_tensor);
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (long i = 0; i < Count; i++)
            yield return At(i);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Lets go of the tensor, which stays alive for its other owners.</summary>
    public void Dispose() => _tensor = null;

    private T At(long index)
    {
        var value = *Address(_contiguous ? index : LinearOffset(index));
        GC.KeepAlive(_tensor);
        return value;
    }

    private T* Address(long offset) => (T*)_tensor.DataPointer + offset;

    private void CheckStart(long tensorIndex)
    {
        ObjectDisposedException.ThrowIf(_tensor is null, this);
        if (tensorIndex < 0 || tensorIndex > Count)
        {
            throw new ArgumentOutOfRangeException(
                nameof(tensorIndex), tensorIndex, $"The tensor has {Count} elements.");
        }
    }

    private long Offset(long[] indices)
    {
        ObjectDisposedException.ThrowIf(_tensor is null, this);
        if (indices.Length == 1 && _sizes.Length != 1)
        {
            // A single index counts elements in logical order.
            if (indices[0] < 0 || indices[0] >= Count)
                throw new IndexOutOfRangeException($"Index {indices[0]} is outside a tensor of {Count} elements.");
            return LinearOffset(indices[0]);
        }
        if (indices.Length != _sizes.Length)
            throw new ArgumentException($"{indices.Length} indices for a tensor of {_sizes.Length} dimensions.");
        long offset = 0;
        for (int d = 0; d < indices.Length; d++)
        {
            if (indices[d] < 0 || indices[d] >= _sizes[d])
                throw new IndexOutOfRangeException($"Index {indices[d]} is outside dimension {d} of size {_sizes[d]}.");
            offset += indices[d] * _strides[d];
        }
        return offset;
    }

    private long LinearOffset(long index)
    {
        long offset = 0;
        for (int d = _sizes.Length - 1; d >= 0; d--)
        {
            (index, long position) = Math.DivRem(index, _sizes[d]);
            offset += position * _strides[d];
        }
        return offset;
    }
}
