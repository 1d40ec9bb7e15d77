using ML.Pruning.Benchmarks.Pruning;
using ML.Pruning.Export;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Kernels;
using ML.Pruning.Models;
using ML.Pruning.Pruning;

namespace ML.Pruning.Benchmarks.Models;

/// <summary>Whole LLaMAs of random weights, end to end in ONNX Runtime: dense float32 and int8 beside each packed
/// type.</summary>
internal sealed class LlamaSpeedBenchmark : Benchmark
{
    private const int Prompt = 128;
    private const int Added = 16;
    private const int Rounds = 3;
    private const double MainSparsity = 0.7;
    private static readonly double[] s_sparsities = [0, 0.5, MainSparsity, 0.8];
    private static readonly (PackedType Type, string Name)[] s_types =
    [
        (PackedType.Float32, "f32"), (PackedType.BFloat16, "bf16"), (PackedType.Int8, "int8"),
        (PackedType.Int4, "int4g64"),
    ];

    public override string Group => "models";

    public override string Name => "llama-speed";

    public override string Description =>
        $"LLaMAs of 110M and 1.1B random weights, prompt {Prompt}, {Added} new tokens, fastest of {Rounds} rounds; all "
        + "cores, and one";

    public override string? WhyNot(BenchmarkSettings settings) => SparseOnnxSession.WhyNot;

    public override IEnumerable<object> Run(BenchmarkSettings settings)
    {
        ModelSpec large = RandomCheckpoint.Llama(settings.Scaled(22));
        ModelSpec small = RandomCheckpoint.Llama(1) with
        {
            HiddenSize = 768,
            Layers = [.. Enumerable.Repeat(
                new LayerSpec { Heads = 12, KeyValueHeads = 12, HeadSize = 64, MlpWidth = 2048 }, settings.Scaled(12))],
        };
        foreach (ModelSpec spec in (ModelSpec[])[small, large])
        {
            using var folder = new TemporaryFolder();
            foreach (ModelResult result in Measure(spec, folder.Path)) yield return result;
        }
    }

    private static IEnumerable<ModelResult> Measure(ModelSpec spec, string folder)
    {
        string checkpoint = Path.Combine(folder, "checkpoint"), dense = Path.Combine(folder, "dense"),
            int8 = Path.Combine(folder, "int8");
        RandomCheckpoint.Write(spec, checkpoint);
        using LanguageModel model = HuggingFaceModel.Open(checkpoint);
        OnnxModel.Export(model, dense);
        QuantizedGraph.Write(Path.Combine(dense, OnnxModel.FileName), int8);
        foreach (int threads in new[] { Environment.ProcessorCount, 1 }.Distinct())
        {
            bool isScaling = threads < Environment.ProcessorCount;
            using var f32 = new ModelRun("onnxruntime-f32", dense, spec, threads, Prompt, Added);
            using var ofInt8 = new ModelRun("onnxruntime-int8", int8, spec, threads, Prompt, Added);
            foreach (ModelResult result in Compare(spec, 0, threads, ofInt8, f32)) yield return result;
            foreach (double sparsity in isScaling ? [MainSparsity] : s_sparsities)
            {
                using LanguageModel? pruned = sparsity == 0 ? null
                    : Pruner.Prune(model, new RandomPruning { Sparsity = sparsity }).Model;
                foreach ((PackedType type, string name) in s_types)
                {
                    if (sparsity == 0 && type == PackedType.Float32) continue; // the baseline
                    using ModelRun ours = Export(
                        name, pruned ?? model, new() { SparseKernels = type }, Path.Combine(folder, "packed"), threads);
                    foreach (ModelResult result in Compare(spec, sparsity, threads, ours, f32, ofInt8))
                        yield return result;
                }

                if (sparsity != MainSparsity) continue;
                foreach (ModelResult result in CompareWithLlamaCpp(spec, pruned!, folder, threads, f32))
                    yield return result;
            }
        }
    }

    // Ours as small as llama.cpp's: the head is packed too.
    private static IEnumerable<ModelResult> CompareWithLlamaCpp(
        ModelSpec spec, LanguageModel pruned, string folder, int threads, ModelRun f32)
    {
        using ModelRun int8 = Export("int8, head too", pruned, new()
        {
            SparseKernels = PackedType.Int8,
            HeadKernels = PackedType.Int8,
        }, Path.Combine(folder, "packed"), threads);
        foreach (ModelResult result in Compare(spec, MainSparsity, threads, int8, f32)) yield return result;
        if (!LlamaCppLibrary.IsThere) yield break;
        using ModelRun int4 = Export("int4g64, head int8", pruned, new()
        {
            SparseKernels = PackedType.Int4,
            HeadKernels = PackedType.Int8,
        }, Path.Combine(folder, "packed"), threads);
        foreach (GgufFile.Type type in GgufFile.Types)
        {
            string path = Path.Combine(folder, $"{type.Name}.gguf");
            using var theirs = new LlamaCppRun(type, spec, path, threads, Prompt, Added);
            foreach (ModelRun ours in (ModelRun[])[int8, int4])
                foreach (ModelResult result in Compare(spec, MainSparsity, threads, ours, theirs)) yield return result;
        }
    }

    // The files are mapped, so that they may go at once.
    private static ModelRun Export(
        string name, LanguageModel model, OnnxExportOptions options, string folder, int threads)
    {
        OnnxModel.Export(model, folder, options);
        var run = new ModelRun(name, folder, model.Spec, threads, Prompt, Added);
        Directory.Delete(folder, recursive: true);
        return run;
    }

    private static IEnumerable<ModelResult> Compare(
        ModelSpec spec, double sparsity, int threads, SpeedCandidate ours, params SpeedCandidate[] baselines)
    {
        SpeedCandidate[] all = [ours, .. baselines];
        foreach (SpeedCandidate candidate in all) candidate.Restart();
        for (int round = 0; round < Rounds; round++)
            foreach (SpeedCandidate candidate in all) candidate.Measure();
        return baselines.Select(baseline => new ModelResult(
            $"llama, hidden {spec.HiddenSize}, {spec.Layers.Count} layers", spec.ParameterCount, ours.Name, sparsity,
            threads, 1, ours.Best.Prefill, ours.Best.Decode, ours.WeightBytes, ours.ResidentBytes, baseline.Name,
            baseline.Best.Prefill, baseline.Best.Decode, baseline.WeightBytes, baseline.ResidentBytes));
    }
}
