using Microsoft.ML.OnnxRuntime;

namespace ML.Pruning.Inference.Onnx;

/// <summary>The keys, or the values, of the tokens that one layer has seen, and the tensors over them for the next
/// run.</summary>
/// <remarks>
/// A layer that shares its buffer reads and writes one buffer [1, heads, capacity, size] in place. Any other layer
/// reads one buffer, exactly [1, heads, length, size], and writes the next, longer one; the two swap. Buffers have
/// room for the expected tokens from the start, and double when full, up to the limit; memory that is not written yet
/// costs nothing. Not thread-safe.
/// </remarks>
/// <param name="shared">Whether the layer writes in place.</param>
/// <param name="heads">Key/value heads.</param>
/// <param name="size">Head size.</param>
/// <param name="expected">Tokens that are expected.</param>
/// <param name="limit">Tokens at most: the model's context.</param>
internal sealed unsafe class OnnxCache(bool shared, int heads, int size, int expected, int limit) : IDisposable
{
    private const int FirstCapacity = 64;
    private CacheMemory? _frontMemory;
    private CacheMemory? _backMemory;
    private float* _front; // in the front memory
    private int _capacity;
    private bool _moved;

    /// <summary>The tensor to read.</summary>
    public OrtValue Past { get; private set; } = null!;

    /// <summary>The tensor to write.</summary>
    public OrtValue Present { get; private set; } = null!;

    /// <summary>Where the keys or values lie; null before the first run.</summary>
    public CacheMemory? Memory => _frontMemory;

    /// <summary>Floats of a row: one sequence with room for so many tokens.</summary>
    /// <param name="capacity">Tokens.</param>
    public long RowFloats(int capacity) => (long)heads * capacity * size;

    /// <summary>The room that so many tokens get.</summary>
    /// <param name="needed">Tokens.</param>
    /// <param name="before">The room until now.</param>
    /// <param name="limit">Tokens at most.</param>
    public static int Room(int needed, int before, int limit) =>
        Math.Min(limit, Math.Max(needed, Math.Max(FirstCapacity, 2 * before)));

    /// <summary>Moves the contents of a cache that writes in place into a row of memory that it shares with
    /// others.</summary>
    /// <param name="memory">The memory.</param>
    /// <param name="row">The row.</param>
    /// <param name="capacity">The room of a row, in tokens.</param>
    /// <param name="length">Tokens seen.</param>
    public void MoveTo(CacheMemory memory, int row, int capacity, int length)
    {
        float* target = memory.Pointer + row * RowFloats(capacity);
        Copy(_front, _capacity, target, capacity, length);
        _frontMemory?.Release();
        _frontMemory = memory.Share();
        _front = target;
        _capacity = capacity;
        _moved = true;
    }

    /// <summary>Takes the first tokens of a sequence from a row of memory that a run of several has filled.</summary>
    /// <param name="memory">The memory; it may go afterwards.</param>
    /// <param name="row">The row.</param>
    /// <param name="width">The room of a row, in tokens.</param>
    /// <param name="length">Tokens of this sequence.</param>
    public void Start(CacheMemory memory, int row, int width, int length)
    {
        Grow(0, length);
        Copy(memory.Pointer + row * RowFloats(width), width, _front, shared ? _capacity : length, length);
        _moved = true;
    }

    /// <summary>A tensor over the first rows of memory that caches share.</summary>
    /// <param name="memory">The memory.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="capacity">The room of a row, in tokens.</param>
    /// <returns>[rows, heads, capacity, size]; the caller disposes it.</returns>
    public OrtValue Rows(CacheMemory memory, int rows, int capacity) => OnnxDecoder.Tensor(
        memory.Pointer, rows * RowFloats(capacity), rows, heads, capacity, size);

    /// <summary>Prepares the tensors for a run.</summary>
    /// <param name="length">Tokens seen.</param>
    /// <param name="added">Tokens that the run adds.</param>
    /// <returns>Whether the tensors are others than before.</returns>
    public bool Prepare(int length, int added)
    {
        bool grown = length + added > _capacity;
        if (grown) Grow(length, length + added);
        if (shared && !grown && !_moved) return false;

        _moved = false;
        Release();
        if (shared)
        {
            Past = Present = Tensor(_front, _capacity);
        }
        else
        {
            Past = Tensor(_front, length);
            Present = Tensor(_backMemory!.Pointer, length + added);
        }

        return true;
    }

    /// <summary>Takes what a run wrote as what there is.</summary>
    public void Advance()
    {
        if (shared) return;
        (_frontMemory, _backMemory) = (_backMemory, _frontMemory);
        _front = _frontMemory!.Pointer;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Release();
        _frontMemory?.Release();
        _backMemory?.Release();
        _frontMemory = _backMemory = null;
        _front = null;
        _capacity = 0;
    }

    private void Grow(int length, int needed)
    {
        int old = _capacity;
        _capacity = Room(Math.Max(needed, expected), old, limit);
        var front = new CacheMemory(RowFloats(_capacity));
        Copy(_front, shared ? old : length, front.Pointer, shared ? _capacity : length, length);
        _frontMemory?.Release();
        _backMemory?.Release();
        _frontMemory = front;
        _front = front.Pointer;
        _backMemory = shared ? null : new CacheMemory(RowFloats(_capacity));
    }

    private void Copy(float* from, int oldRoom, float* to, int room, int length)
    {
        for (int head = 0; head < heads; head++)
        {
            new ReadOnlySpan<float>(from + (long)head * oldRoom * size, length * size)
                .CopyTo(new Span<float>(to + (long)head * room * size, length * size));
        }
    }

    private OrtValue Tensor(float* memory, long length) =>
        OnnxDecoder.Tensor(memory, heads * length * size, 1, heads, length, size);

    private void Release()
    {
        Past?.Dispose();
        if (!shared) Present?.Dispose();
    }
}
