using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Calibration;

/// <summary>Feeds torch tensors into <see cref="ActivationStatistics"/>.</summary>
internal static class TorchStatistics
{
    /// <summary>Adds the tokens of a batch.</summary>
    /// <param name="statistics">Where to add.</param>
    /// <param name="input">Inputs [.., features].</param>
    public static void Add(this ActivationStatistics statistics, Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor dense = input.to_type(ScalarType.Float32).contiguous();
        statistics.Add(MemoryMarshal.Cast<byte, float>(dense.bytes));
        GC.KeepAlive(dense);
    }
}
