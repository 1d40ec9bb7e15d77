using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>Precisions as torch names them.</summary>
internal static class TorchPrecision
{
    /// <summary>The torch type of a precision.</summary>
    public static ScalarType Of(ComputePrecision precision) => precision switch
    {
        ComputePrecision.Float32 => ScalarType.Float32,
        ComputePrecision.BFloat16 => ScalarType.BFloat16,
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "Not a member of ComputePrecision."),
    };
}
