using System.Reflection;
using TorchSharp;

namespace ML.Pruning.Tests.TestKit;

/// <summary>Counts native tensors, to find those that are left behind.</summary>
internal static class LiveTensors
{
    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    // Public in TorchSharp, internal in the stand-in.
    private static readonly PropertyInfo s_statistics = typeof(DisposeScopeManager).GetProperty("Statistics", Any)!;
    private static readonly PropertyInfo s_count = s_statistics.PropertyType.GetProperty("ThreadTotalLiveCount")!;

    /// <summary>Those that this thread has created, less those that it has freed. (<c>Tensor.TotalCount</c> keeps
    /// counting a tensor that became a parameter.)</summary>
    public static long Count => (long)s_count.GetValue(s_statistics.GetValue(null))!;
}
