using Microsoft.ML.OnnxRuntime;
using ML.Pruning.Benchmarks.Pruning;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Kernels;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Pruning;

namespace ML.Pruning.Benchmarks.Models;

/// <summary>An encoder of BERT-base's shape with random weights, exported as a plain ONNX file and packed from there by
/// <see cref="SparseOnnxModel"/>, beside dense float32 and int8 in ONNX Runtime.</summary>
internal sealed class EncoderSpeedBenchmark : Benchmark
{
    private const int Length = 128;
    private static readonly int[] s_batches = [1, 32];
    private static readonly double[] s_sparsities = [0.5, 0.7, 0.8];
    private static readonly (PackedType Type, string Name)[] s_types =
        [(PackedType.Float32, "f32"), (PackedType.BFloat16, "bf16"), (PackedType.Int8, "int8")];

    public override string Group => "models";

    public override string Name => "encoder-speed";

    public override string Description => $"an encoder of BERT-base's shape, texts of {Length} tokens, batch "
        + $"{string.Join(" and ", s_batches)}, all cores";

    public override string? WhyNot(BenchmarkSettings settings) => SparseOnnxSession.WhyNot;

    public override IEnumerable<object> Run(BenchmarkSettings settings)
    {
        ModelSpec spec = FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig($$"""
            { "model_type": "bert", "architectures": ["BertModel"], "vocab_size": 30522, "hidden_size": 768,
              "num_hidden_layers": {{settings.Scaled(12)}}, "num_attention_heads": 12,
              "intermediate_size": 3072, "max_position_embeddings": 512 }
            """));
        using var folder = new TemporaryFolder();
        foreach (ModelResult result in Measure(spec, folder)) yield return result;
    }

    private static IEnumerable<ModelResult> Measure(ModelSpec spec, TemporaryFolder folder)
    {
        using LanguageModel model = RandomCheckpoint.Create(spec);
        string dense = folder["dense"], int8 = folder["int8"], pruned = folder["pruned"], packed = folder["packed"];
        OnnxModel.Export(model, dense);
        QuantizedGraph.Write(Path.Combine(dense, OnnxModel.FileName), int8);
        using Candidate f32 = new(dense, "onnxruntime-f32"), ofInt8 = new(int8, "onnxruntime-int8");
        foreach (double sparsity in s_sparsities)
        {
            using (LanguageModel sparse = Pruner.Prune(model, new RandomPruning { Sparsity = sparsity }).Model)
                OnnxModel.Export(sparse, pruned, new OnnxExportOptions { Overwrite = true });
            foreach ((PackedType type, string name) in s_types)
            {
                SparseOnnxModel.Write(Path.Combine(pruned, OnnxModel.FileName), packed,
                    new SparseOnnxOptions { MinimumSparsity = 0.9 * sparsity, Type = type, Overwrite = true });
                using var ours = new Candidate(packed, name);
                foreach (int batch in s_batches)
                    foreach (ModelResult result in Compare(spec, sparsity, batch, ours, f32, ofInt8)) yield return result;
            }
        }
    }

    private static IEnumerable<ModelResult> Compare(
        ModelSpec spec, double sparsity, int batch, Candidate ours, params Candidate[] baselines)
    {
        double[] times = KernelTiming.Fastest(
            [() => ours.Run(batch), .. baselines.Select(baseline => (Action)(() => baseline.Run(batch)))]);
        return baselines.Select((baseline, i) => new ModelResult(
            $"encoder, hidden {spec.HiddenSize}, {spec.Layers.Count} layers", spec.ParameterCount, ours.Name, sparsity,
            Environment.ProcessorCount, batch, batch * 1e6 / times[0], null, ours.WeightBytes, ours.ResidentBytes,
            baseline.Name, batch * 1e6 / times[i + 1], null, baseline.WeightBytes, baseline.ResidentBytes));
    }

    private sealed class Candidate : IDisposable
    {
        private readonly InferenceSession _session;
        private readonly RunOptions _run = new();

        public Candidate(string folder, string name)
        {
            Name = name;
            WeightBytes = new FileInfo(Path.Combine(folder, OnnxModel.DataFileName)).Length;
            (_session, ResidentBytes) = ResidentMemory.Of(
                () => KernelSession.Open(Path.Combine(folder, OnnxModel.FileName)), session => Run(session, _run, 1));
        }

        public string Name { get; }

        public long WeightBytes { get; }

        public long ResidentBytes { get; }

        public void Run(int batch) => Run(_session, _run, batch);

        public void Dispose()
        {
            _session.Dispose();
            _run.Dispose();
        }

        private static void Run(InferenceSession session, RunOptions run, int batch)
        {
            long[] tokens = [.. Enumerable.Range(0, batch * Length).Select(i => i * 7L % 30_000)];
            using OrtValue input = OrtValue.CreateTensorValueFromMemory(tokens, [batch, Length]);
            session.Run(run, [GraphNames.Tokens], [input], [GraphNames.HiddenState]).Dispose();
        }
    }
}
