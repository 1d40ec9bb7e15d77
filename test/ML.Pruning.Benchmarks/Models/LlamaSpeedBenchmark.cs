using ML.Pruning.Benchmarks.Pruning;
using ML.Pruning.Evaluation;
using ML.Pruning.Export;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Kernels;
using ML.Pruning.Models;
using ML.Pruning.Pruning;

namespace ML.Pruning.Benchmarks.Models;

/// <summary>Whole LLaMAs of random weights, end to end in ONNX Runtime: dense float32 beside each packed type.</summary>
internal sealed class LlamaSpeedBenchmark : Benchmark
{
    private const int Prompt = 128;
    private const int Added = 16;
    private const int Rounds = 3;
    private static readonly double[] s_sparsities = [0, 0.5, 0.7, 0.8];
    private static readonly (PackedType Type, string Name)[] s_types =
    [
        (PackedType.Float32, "f32"), (PackedType.BFloat16, "bf16"), (PackedType.Int8, "int8"),
        (PackedType.Int4, "int4g64"),
    ];

    public override string Group => "models";

    public override string Name => "llama-speed";

    public override string Description =>
        $"LLaMAs of 110M and 1.1B random weights, prompt {Prompt}, {Added} new tokens, fastest of {Rounds} rounds";

    public override string? WhyNot(BenchmarkSettings settings) => SparseOnnxSession.WhyNot;

    public override IEnumerable<object> Run(BenchmarkSettings settings)
    {
        ModelSpec large = RandomCheckpoint.Llama(Layers(22, settings));
        ModelSpec small = RandomCheckpoint.Llama(1) with
        {
            HiddenSize = 768,
            Layers = [.. Enumerable.Repeat(
                new LayerSpec { Heads = 12, KeyValueHeads = 12, HeadSize = 64, MlpWidth = 2048 }, Layers(12, settings))],
        };
        foreach (ModelSpec spec in (ModelSpec[])[small, large])
        {
            string folder = Directory.CreateTempSubdirectory("ml-pruning-bench-").FullName;
            try
            {
                foreach (ModelResult result in Measure(spec, folder)) yield return result;
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private static int Layers(int full, BenchmarkSettings settings) => Math.Max(1, (int)Math.Round(full * settings.Scale));

    private static IEnumerable<ModelResult> Measure(ModelSpec spec, string folder)
    {
        string checkpoint = Path.Combine(folder, "checkpoint");
        RandomCheckpoint.Write(spec, checkpoint);
        using LanguageModel model = HuggingFaceModel.Open(checkpoint);
        (OnnxEngine dense, long denseBytes) = Open(model, null, Path.Combine(folder, "dense"));
        using (dense)
        {
            foreach (double sparsity in s_sparsities)
            {
                using LanguageModel? pruned = sparsity == 0 ? null
                    : Pruner.Prune(model, new RandomPruning { Sparsity = sparsity }).Model;
                foreach ((PackedType type, string name) in s_types)
                {
                    if (sparsity == 0 && type == PackedType.Float32) continue; // the baseline
                    (OnnxEngine ours, long bytes) = Open(pruned ?? model, type, Path.Combine(folder, "packed"));
                    using (ours) yield return Compare(spec, name, sparsity, ours, bytes, dense, denseBytes);
                }
            }
        }
    }

    // The files are mapped, so that they may go at once.
    private static (OnnxEngine Engine, long Bytes) Open(LanguageModel model, PackedType? type, string folder)
    {
        OnnxModel.Export(model, folder, new OnnxExportOptions { SparseKernels = type });
        long bytes = new FileInfo(Path.Combine(folder, OnnxModel.DataFileName)).Length;
        var engine = new OnnxEngine(folder);
        Directory.Delete(folder, recursive: true);
        return (engine, bytes);
    }

    private static ModelResult Compare(ModelSpec spec, string type, double sparsity, OnnxEngine ours, long bytes,
        OnnxEngine dense, long denseBytes)
    {
        (double Prefill, double Decode) best = (0, 0), baseline = (0, 0);
        for (int round = 0; round <= Rounds; round++)
        {
            (double, double) a = SpeedBenchmark.Round(ours, spec, Prompt, Added);
            (double, double) b = SpeedBenchmark.Round(dense, spec, Prompt, Added);
            if (round == 0) continue; // what is done once
            best = (Math.Max(best.Prefill, a.Item1), Math.Max(best.Decode, a.Item2));
            baseline = (Math.Max(baseline.Prefill, b.Item1), Math.Max(baseline.Decode, b.Item2));
        }

        string name = $"llama, hidden {spec.HiddenSize}, {spec.Layers.Count} layers";
        return new ModelResult(name, spec.ParameterCount, type, sparsity, Environment.ProcessorCount, 1, best.Prefill,
            best.Decode, bytes, "onnxruntime-f32", baseline.Prefill, baseline.Decode, denseBytes,
            best.Prefill / baseline.Prefill, best.Decode / baseline.Decode);
    }
}
