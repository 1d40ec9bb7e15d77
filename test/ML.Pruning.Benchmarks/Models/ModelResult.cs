using System.Globalization;

namespace ML.Pruning.Benchmarks.Models;

/// <summary>One model in one form beside a baseline, measured in turns.</summary>
/// <param name="Model">Its shape.</param>
/// <param name="Parameters">Parameters, zeros included.</param>
/// <param name="Type">f32, bf16, int8 or int4g64: the weights of the linear maps on the kernels; head and embedding
/// stay f32 unless "head" is said. Or the dense one of another engine.</param>
/// <param name="Sparsity">Of the linear maps, as asked for.</param>
/// <param name="Threads">Threads of both.</param>
/// <param name="Batch">Sequences, or images, at once.</param>
/// <param name="PrefillPerSecond">Prompt tokens, texts or images, a second.</param>
/// <param name="DecodePerSecond">New tokens a second; null where nothing is decoded.</param>
/// <param name="WeightBytes">Bytes of the file of weights.</param>
/// <param name="ResidentBytes">Memory that the model takes once it has run; null = not measured.</param>
/// <param name="Baseline">What it is compared with, dense, and in which precision: onnxruntime-f32, onnxruntime-int8
/// (activations quantised at run time), llama.cpp-f16, llama.cpp-q8_0 or llama.cpp-q4_0.</param>
/// <param name="BaselinePrefillPerSecond">The baseline's.</param>
/// <param name="BaselineDecodePerSecond">The baseline's.</param>
/// <param name="BaselineWeightBytes">The baseline's.</param>
/// <param name="BaselineResidentBytes">The baseline's.</param>
internal sealed record ModelResult(string Model, long Parameters, string Type, double Sparsity, int Threads, int Batch,
    double PrefillPerSecond, double? DecodePerSecond, long WeightBytes, long? ResidentBytes, string Baseline,
    double BaselinePrefillPerSecond, double? BaselineDecodePerSecond, long BaselineWeightBytes,
    long? BaselineResidentBytes)
{
    /// <summary>Ours over the baseline.</summary>
    public double PrefillRatio => PrefillPerSecond / BaselinePrefillPerSecond;

    /// <summary>Ours over the baseline.</summary>
    public double? DecodeRatio => DecodePerSecond / BaselineDecodePerSecond;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Model} {Type} {Sparsity:P0} "
        + $"batch {Batch}, {Threads} threads: {PrefillPerSecond:F1}/s ({PrefillRatio:F2} x {Baseline})")
        + (DecodePerSecond is null ? "" : string.Create(CultureInfo.InvariantCulture,
            $", decode {DecodePerSecond:F1}/s ({DecodeRatio:F2} x)"))
        + string.Create(CultureInfo.InvariantCulture, $", {WeightBytes / 1e6:F0} MB ({BaselineWeightBytes / 1e6:F0})")
        + (ResidentBytes is null ? "" : string.Create(CultureInfo.InvariantCulture,
            $", in memory {ResidentBytes / 1e6:F0} MB ({BaselineResidentBytes / 1e6:F0})"));
}
