using System.Runtime.InteropServices;

namespace ML.Pruning.Inference.Onnx;

/// <summary>Memory of keys or values that one or several caches use; it goes when the last one lets go.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed unsafe class CacheMemory
{
    private const int Alignment = 64;
    private int _users = 1;

    /// <summary>Takes memory, for one user.</summary>
    /// <param name="count">Floats.</param>
    public CacheMemory(long count) =>
        Pointer = (float*)NativeMemory.AlignedAlloc((nuint)count * sizeof(float), Alignment);

    /// <summary>The memory.</summary>
    public float* Pointer { get; private set; }

    /// <summary>One user more.</summary>
    /// <returns>This memory.</returns>
    public CacheMemory Share()
    {
        _users++;
        return this;
    }

    /// <summary>One user less.</summary>
    public void Release()
    {
        if (--_users > 0) return;
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
    }
}
