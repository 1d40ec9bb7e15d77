namespace TorchSharp;

/// <summary>What became of the tensors of one thread.</summary>
internal sealed class ThreadDisposeScopeStatistics
{
    /// <summary>Native tensors that this thread has created, less those that it has freed.</summary>
    public long ThreadTotalLiveCount { get; set; }
}
