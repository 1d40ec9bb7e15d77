using System.Globalization;

namespace ML.Pruning.Benchmarks.Models;

/// <summary>One model in one packed type beside its dense float32 self in ONNX Runtime.</summary>
/// <param name="Model">Its shape.</param>
/// <param name="Parameters">Parameters, zeros included.</param>
/// <param name="Type">f32, bf16, int8 or int4g64: the weights of the linear maps; head and embedding stay f32.</param>
/// <param name="Sparsity">Of the linear maps, as asked for.</param>
/// <param name="Threads">Threads of both.</param>
/// <param name="Batch">Sequences, or images, at once.</param>
/// <param name="PrefillPerSecond">Prompt tokens, or images, a second.</param>
/// <param name="DecodePerSecond">New tokens a second; null where nothing is decoded.</param>
/// <param name="WeightBytes">Bytes of the weights, mapped.</param>
/// <param name="Baseline">onnxruntime-f32.</param>
/// <param name="BaselinePrefillPerSecond">The baseline's, measured in turns with ours.</param>
/// <param name="BaselineDecodePerSecond">The baseline's.</param>
/// <param name="BaselineWeightBytes">The baseline's.</param>
/// <param name="PrefillRatio">Ours over the baseline.</param>
/// <param name="DecodeRatio">Ours over the baseline.</param>
internal sealed record ModelResult(string Model, long Parameters, string Type, double Sparsity, int Threads, int Batch,
    double PrefillPerSecond, double? DecodePerSecond, long WeightBytes, string Baseline,
    double BaselinePrefillPerSecond, double? BaselineDecodePerSecond, long BaselineWeightBytes, double PrefillRatio,
    double? DecodeRatio)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Model} {Type} {Sparsity:P0} batch {Batch}: prefill {PrefillPerSecond:F1}/s ({PrefillRatio:F2} x {Baseline})")
        + (DecodePerSecond is null ? "" : string.Create(CultureInfo.InvariantCulture,
            $", decode {DecodePerSecond:F1}/s ({DecodeRatio:F2} x)"))
        + string.Create(CultureInfo.InvariantCulture, $", {WeightBytes / 1e6:F0} MB (dense {BaselineWeightBytes / 1e6:F0})");
}
