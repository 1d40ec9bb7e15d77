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

    // The head is dense; as a rule it has the precision of the rest, as the baselines' heads have.
    private static readonly (PackedType Type, PackedType? Head, string Name)[] s_types =
    [
        (PackedType.Float32, null, "f32"),
        (PackedType.BFloat16, PackedType.BFloat16, "bf16"),
        (PackedType.Int8, PackedType.Int8, "int8"),
        (PackedType.Int4, PackedType.Int8, "int4g64, head int8"),
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
                var besides = new List<ModelRun>(); // those that llama.cpp's are compared with
                foreach ((PackedType type, PackedType? head, string name) in s_types)
                {
                    if (sparsity == 0 && type == PackedType.Float32) continue; // the baseline
                    ModelRun ours = Export(
                        name, pruned ?? model, new() { SparseKernels = type, HeadKernels = head },
                        Path.Combine(folder, "packed"), threads);
                    foreach (ModelResult result in Compare(spec, sparsity, threads, ours, f32, ofInt8))
                        yield return result;
                    if (sparsity == MainSparsity && head == PackedType.Int8) besides.Add(ours);
                    else ours.Dispose();
                }

                foreach (ModelResult result in CompareWithLlamaCpp(spec, besides, folder, threads)) yield return result;
                foreach (ModelRun run in besides) run.Dispose();
            }
        }
    }

    private static IEnumerable<ModelResult> CompareWithLlamaCpp(
        ModelSpec spec, IReadOnlyList<ModelRun> runs, string folder, int threads)
    {
        if (runs.Count == 0 || !LlamaCppLibrary.IsThere) yield break;
        foreach (GgufFile.Type type in GgufFile.Types)
        {
            string path = Path.Combine(folder, $"{type.Name}.gguf");
            using var theirs = new LlamaCppRun(type, spec, path, threads, Prompt, Added);
            foreach (ModelRun ours in runs)
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
