namespace ML.Pruning.Kernels;

/// <summary>Threads that share the products given to them.</summary>
/// <remarks>Products on the same threads wait for each other. Dispose it when no product runs any more.</remarks>
public sealed class KernelThreads : IDisposable
{
    /// <summary>Starts threads.</summary>
    /// <param name="count">Threads, the caller's included: 1 to 1024.</param>
    /// <exception cref="ArgumentOutOfRangeException">Another number.</exception>
    public KernelThreads(int count)
    {
        if (count is < 1 or > 1024)
            throw new ArgumentOutOfRangeException(nameof(count), count, "1 to 1024 threads can share a product.");
        Count = count;
        Pool = count > 1 && KernelLibrary.IsNative
            ? NativeKernels.PoolHandle.Create(count)
            : new NativeKernels.PoolHandle();
    }

    /// <summary>Threads, the caller's included.</summary>
    public int Count { get; }

    /// <summary>The native pool; invalid where the caller's thread is alone.</summary>
    internal NativeKernels.PoolHandle Pool { get; }

    /// <inheritdoc/>
    public void Dispose() => Pool.Dispose();
}
