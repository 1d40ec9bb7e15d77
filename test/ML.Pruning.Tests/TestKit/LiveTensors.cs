using TorchSharp;

namespace ML.Pruning.Tests.TestKit;

/// <summary>Counts native tensors, to find those that are left behind.</summary>
internal static class LiveTensors
{
    /// <summary>Those that this thread has created, less those that it has freed. (<c>Tensor.TotalCount</c> keeps
    /// counting a tensor that became a parameter.)</summary>
    public static long Count => DisposeScopeManager.Statistics.ThreadTotalLiveCount;
}
