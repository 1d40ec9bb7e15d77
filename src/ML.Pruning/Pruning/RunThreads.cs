using ML.Pruning.Sparsity;
using TorchSharp;

namespace ML.Pruning.Pruning;

/// <summary>Gives a run its number of threads, and what was before back when it is disposed.</summary>
internal sealed class RunThreads : IDisposable
{
    private readonly IDisposable? _limit;
    private readonly int? _before;

    /// <summary>Starts.</summary>
    /// <param name="threads">Threads, at least 1; null = leave everything as it is.</param>
    /// <param name="usesTorch">Whether the run computes with torch, whose number of threads is the process's.</param>
    /// <exception cref="ArgumentException">There is not one thread.</exception>
    public RunThreads(int? threads, bool usesTorch)
    {
        if (threads is not { } count) return;
        if (count < 1) throw new ArgumentException($"The number of threads is {count}; at least 1.");
        if (usesTorch)
        {
            _before = torch.get_num_threads();
            torch.set_num_threads(count);
        }

        _limit = ThreadLimit.Use(count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _limit?.Dispose();
        if (_before is { } count) torch.set_num_threads(count);
    }
}
