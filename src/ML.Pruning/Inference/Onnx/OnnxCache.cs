using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace ML.Pruning.Inference.Onnx;

/// <summary>The keys, or the values, of the tokens that one layer has seen, and the tensors over them for the next
/// run.</summary>
/// <remarks>
/// A layer that shares its buffer reads and writes one buffer [1, heads, capacity, size] in place. Any other layer
/// reads one buffer, exactly [1, heads, length, size], and writes the next, longer one; the two swap. Buffers double
/// when full, up to the limit. Not thread-safe.
/// </remarks>
/// <param name="shared">Whether the layer writes in place.</param>
/// <param name="heads">Key/value heads.</param>
/// <param name="size">Head size.</param>
/// <param name="limit">Tokens at most: the model's context.</param>
internal sealed unsafe class OnnxCache(bool shared, int heads, int size, int limit) : IDisposable
{
    private const int FirstCapacity = 64;
    private const int Alignment = 64;
    private float* _front;
    private float* _back;
    private int _capacity;

    /// <summary>The tensor to read.</summary>
    public OrtValue Past { get; private set; } = null!;

    /// <summary>The tensor to write.</summary>
    public OrtValue Present { get; private set; } = null!;

    /// <summary>Prepares the tensors for a run.</summary>
    /// <param name="length">Tokens seen.</param>
    /// <param name="added">Tokens that the run adds.</param>
    /// <returns>Whether the tensors are others than before.</returns>
    public bool Prepare(int length, int added)
    {
        bool grown = length + added > _capacity;
        if (grown) Grow(length, length + added);
        if (shared && !grown) return false;

        Release();
        if (shared)
        {
            Past = Present = Tensor(_front, _capacity);
        }
        else
        {
            Past = Tensor(_front, length);
            Present = Tensor(_back, length + added);
        }

        return true;
    }

    /// <summary>Takes what a run wrote as what there is.</summary>
    public void Advance()
    {
        if (shared) return;
        float* written = _back;
        _back = _front;
        _front = written;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Release();
        NativeMemory.AlignedFree(_front);
        NativeMemory.AlignedFree(_back);
        _front = _back = null;
        _capacity = 0;
    }

    private void Grow(int length, int needed)
    {
        int old = _capacity;
        _capacity = Math.Min(limit, Math.Max(needed, Math.Max(FirstCapacity, 2 * old)));
        float* front = Allocate();
        long oldStride = (long)(shared ? old : length) * size, stride = (long)(shared ? _capacity : length) * size;
        for (int head = 0; head < heads; head++)
        {
            new ReadOnlySpan<float>(_front + head * oldStride, length * size)
                .CopyTo(new Span<float>(front + head * stride, length * size));
        }

        NativeMemory.AlignedFree(_front);
        NativeMemory.AlignedFree(_back);
        _front = front;
        _back = shared ? null : Allocate();
    }

    private float* Allocate() =>
        (float*)NativeMemory.AlignedAlloc((nuint)heads * (nuint)_capacity * (nuint)size * sizeof(float), Alignment);

    private OrtValue Tensor(float* memory, long length) =>
        OnnxDecoder.Tensor(memory, heads * length * size, 1, heads, length, size);

    private void Release()
    {
        Past?.Dispose();
        if (!shared) Present?.Dispose();
    }
}
