using ML.Pruning.Checkpoints;
using ML.Pruning.Evaluation;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Pruning;
using ML.Pruning.Tests.TestKit;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Recovery;

/// <summary>Identities of low-rank adapters, on every kind: plain, on masked weights, with row lengths, rank
/// stabilised.</summary>
[TestClass]
public class LoraTests
{
    public static IEnumerable<object[]> Kinds =>
        from masked in new[] { false, true }
        from dora in new[] { false, true }
        select new object[] { masked, dora };

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Attach_Untrained_ChangesNothing(bool masked, bool dora)
    {
        using LanguageModel model = Model(masked);
        using LanguageModel adapted = LoraAdapters.Attach(model, new LoraOptions { Rank = 3, Dora = dora });
        Assert.HasCount(14, adapted.Spec.Adapters);
        Assert.AreEqual(masked, adapted.Spec.Adapters[0].KeepsZeros);
        Assert.AreNotEqual(model.ContentHash, adapted.ContentHash);
        int[] tokens = RandomModel.Tokens(model.Spec, 20);
        AssertClose(Logits(model, tokens), Logits(adapted, tokens), dora ? 1e-6 : 0);
        using LanguageModel without = adapted.WithoutAdapters();
        Assert.AreEqual(model.ContentHash, without.ContentHash);
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Merged_TrainedAdapter_ComputesTheSame(bool masked, bool dora)
    {
        using LanguageModel model = Model(masked);
        using LanguageModel adapted = Adapted(model, dora);
        using LanguageModel merged = adapted.Merged();
        Assert.IsEmpty(merged.Spec.Adapters);
        int[] tokens = RandomModel.Tokens(model.Spec, 20);
        float[] logits = Logits(adapted, tokens);
        AssertClose(logits, Logits(merged, tokens), 1e-5);
        Assert.IsFalse(logits.SequenceEqual(Logits(model, tokens)));

        // What scores and generates runs merged.
        var engine = new float[logits.Length];
        EngineFactory.Get(adapted, EngineKind.Torch).Logits(tokens, 1, engine);
        AssertClose(logits, engine, 1e-5);
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Merged_Weights_AreTheFormulaInFloat64(bool masked, bool dora)
    {
        using LanguageModel model = Model(masked);
        using LanguageModel adapted = Adapted(model, dora);
        using LanguageModel merged = adapted.Merged();
        AdapterSpec adapter = adapted.Spec.Adapters[5];
        float[] w = model.Weights[adapter.WeightName].ToArray();
        float[] a = adapted.Weights[adapter.AName].ToArray(), b = adapted.Weights[adapter.BName].ToArray();
        float[]? m = dora ? adapted.Weights[adapter.MagnitudeName].ToArray() : null;
        int columns = (int)model.Weights[adapter.WeightName].Shape[1];
        float[] got = merged.Weights[adapter.WeightName].ToArray();
        for (int row = 0; row < w.Length / columns; row++)
        {
            var v = new double[columns];
            for (int i = 0; i < columns; i++)
            {
                double update = Enumerable.Range(0, 3).Sum(k => (double)b[row * 3 + k] * a[k * columns + i]);
                float weight = w[row * columns + i];
                v[i] = masked && weight == 0 ? 0 : weight + adapter.Scale * update;
            }

            double factor = m is null ? 1 : m[row] / Math.Sqrt(v.Sum(x => x * x));
            for (int i = 0; i < columns; i++)
                Assert.AreEqual(factor * v[i], got[row * columns + i], 1e-6, $"{row}, {i}");
        }

        // Pieces that start inside a row are the same numbers.
        var piece = new float[columns + 3];
        merged.Weights[adapter.WeightName].Read(5, piece);
        CollectionAssert.AreEqual(got[5..(5 + piece.Length)], piece);
    }

    [TestMethod]
    public void Adapters_Scale_IsAlphaOverRankOrItsRoot()
    {
        var adapter = new AdapterSpec { Layer = 0, Part = TensorNames.Query, Rank = 16, Alpha = 8 };
        Assert.AreEqual(0.5, adapter.Scale);
        Assert.AreEqual(2.0, (adapter with { RankStabilized = true }).Scale);
    }

    [TestMethod]
    public void Attach_Targets_AreFoundByTheEndOfTheName()
    {
        using LanguageModel model = Model(masked: false);
        string[] Parts(params string[] targets)
        {
            using LanguageModel adapted = LoraAdapters.Attach(model, new LoraOptions { Targets = targets });
            return [.. adapted.Spec.Adapters.Select(a => $"{a.Layer}.{a.Part}")];
        }

        CollectionAssert.AreEqual(new[] { "0.self_attn.q_proj", "0.mlp.down_proj", "1.self_attn.q_proj",
            "1.mlp.down_proj" }, Parts("q_proj", "mlp.down_proj"));
        CollectionAssert.AreEqual(new[] { "1.mlp.up_proj" }, Parts("layers.1.mlp.up_proj"));
        var error = Assert.ThrowsExactly<ArgumentException>(() => Parts("q_proj", "proj"));
        StringAssert.Contains(
            error.Message, "target \"proj\" is no linear map of the model; there are self_attn.q_proj");
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Gradients_OfTheLoss_AreThoseOfFiniteDifferences(bool masked, bool dora)
    {
        using LanguageModel model = Model(masked);
        using LanguageModel adapted = Adapted(model, dora);
        using TorchDecoder decoder = TorchDecoder.Load(adapted, ScalarType.Float64);
        Tensor[] ids = [TorchWeights.ToTokens(RandomModel.Tokens(model.Spec, 12), 2)];
        using var batch = new Disposables(ids);
        Dictionary<string, Parameter> parameters =
            decoder.named_parameters().ToDictionary(p => p.name, p => p.parameter);

        // DoRA holds the rows' lengths constant, so that only m's own gradient is that of the function.
        string[] names = [.. adapted.Spec.AdapterParameters().Select(p => p.Name)
            .Where(name => dora == name.EndsWith("magnitude", StringComparison.Ordinal))];
        foreach (string name in names) parameters[name].requires_grad = true;
        double Loss(bool backward)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor logits = decoder.forward(ids[0].narrow(1, 0, 5)).reshape(-1, model.Spec.VocabularySize);
            Tensor loss = nn.functional.cross_entropy(logits, ids[0].narrow(1, 1, 5).reshape(-1));
            if (backward) loss.backward();
            return loss.ToDouble();
        }

        Loss(backward: true);
        using IDisposable noGrad = no_grad();
        const double h = 1e-5;
        double largest = 0;
        foreach (string name in names)
        {
            using Tensor flat = parameters[name].view(-1);
            using Tensor gradient = parameters[name].grad!;
            double[] expected = gradient.reshape(-1).data<double>().ToArray();
            for (int i = 0; i < expected.Length; i += 7)
            {
                using Tensor element = flat.narrow(0, i, 1);
                element.add_(h);
                double up = Loss(backward: false);
                element.add_(-2 * h);
                double down = Loss(backward: false);
                element.add_(h);
                Assert.AreEqual((up - down) / (2 * h), expected[i], 1e-7, $"{name}[{i}]");
                largest = Math.Max(largest, Math.Abs(expected[i]));
            }
        }

        Assert.IsGreaterThan(1e-3, largest);
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Train_Merged_KeepsEveryZeroAndGetsBetter(bool masked, bool dora)
    {
        using var folder = new TestFolder();
        using LanguageModel start = Learned(folder, masked);
        LoraOptions options = Options(folder) with { Dora = dora };
        TrainingResult result = LoraTrainer.Train(start, Examples(), options);
        using LanguageModel trained = result.Model;
        Assert.IsLessThan(result.Report.InitialLoss!.Value - 0.05, result.Report.BestLoss!.Value);
        Assert.IsEmpty(trained.Spec.Adapters);
        Assert.AreEqual("lora", trained.Provenance[^1].Method);
        foreach (ParameterSpec parameter in start.Spec.Parameters())
        {
            float[] before = start.Weights[parameter.Name].ToArray(), after = trained.Weights[parameter.Name].ToArray();
            Assert.AreEqual(parameter.Role == ParameterRole.Linear, !before.SequenceEqual(after), parameter.Name);
            if (masked) CollectionAssert.AreEqual(
                before.Select(v => v == 0).ToArray(), after.Select(v => v == 0).ToArray(), parameter.Name);
        }

        double loss = PerplexityEvaluator.Evaluate(trained, HeldOut(), EngineKind.Torch).MeanNegativeLogLikelihood;
        Assert.AreEqual(result.Report.BestLoss!.Value, loss, 1e-4);
    }

    [TestMethod]
    public void Train_KeptAdapter_EqualsTheMergedOne()
    {
        using var folder = new TestFolder();
        using LanguageModel start = Learned(folder, masked: true);
        using LanguageModel merged = LoraTrainer.Train(start, Examples(), Options(folder)).Model;
        using LanguageModel kept = LoraTrainer.Train(
            start, Examples(), Options(folder) with { KeepAdapter = true }).Model;
        using LanguageModel mergedLater = kept.Merged(), without = kept.WithoutAdapters();
        Assert.AreEqual(merged.ContentHash, mergedLater.ContentHash);
        Assert.AreEqual(start.ContentHash, without.ContentHash);

        using LanguageModel again = LoraAdapters.Unmerge(merged, kept);
        foreach (ParameterSpec parameter in PrunedModels.Linears(start.Spec))
        {
            float[] before = start.Weights[parameter.Name].ToArray(), after = again.Weights[parameter.Name].ToArray();
            for (int i = 0; i < before.Length; i++)
            {
                Assert.AreEqual(before[i], after[i], 1e-6, parameter.Name);
                Assert.AreEqual(before[i] == 0, after[i] == 0, parameter.Name);
            }
        }
    }

    [TestMethod]
    public void Train_StoppedAndResumed_HasTheBitsOfAnUnbrokenRun()
    {
        using var folder = new TestFolder();
        using LanguageModel start = Learned(folder, masked: true);
        LoraOptions options = Options(folder) with { Dropout = 0.3 };
        options = options with { Training = options.Training with { CheckpointFolder = folder["state"] } };
        using LanguageModel unbroken = LoraTrainer.Train(start, Examples(), options).Model;
        using var source = new CancellationTokenSource();
        Assert.ThrowsExactly<OperationCanceledException>(() => LoraTrainer.Train(
            start, Examples(), options, source.Token, new StopAt(17, source)));
        options = options with { Training = options.Training with { Resume = true } };
        using LanguageModel resumed = LoraTrainer.Train(start, Examples(), options).Model;
        Assert.AreEqual(unbroken.ContentHash, resumed.ContentHash);
    }

    [TestMethod]
    public void Train_InBFloat16_LearnsWithFloat32Adapters()
    {
        using var folder = new TestFolder();
        using LanguageModel start = Learned(folder, masked: true);
        LoraOptions options = Options(folder) with { KeepAdapter = true };
        options = options with { Training = options.Training with { Precision = ComputePrecision.BFloat16 } };
        TrainingResult result = LoraTrainer.Train(start, Examples(), options);
        using LanguageModel trained = result.Model;
        Assert.IsLessThan(result.Report.InitialLoss!.Value - 0.05, result.Report.BestLoss!.Value);
        float[] a = trained.Weights[trained.Spec.Adapters[0].AName].ToArray();
        Assert.IsTrue(a.Any(v => (BitConverter.SingleToUInt32Bits(v) & 0xFFFF) != 0));
    }

    [TestMethod]
    public void Prune_ModelWithAdapter_PrunesTheMergedWeights()
    {
        using var folder = new TestFolder();
        using LanguageModel model = Model(masked: false);
        using LanguageModel adapted = Adapted(model, dora: false);
        using LanguageModel merged = adapted.Merged();
        var method = new Magnitude { Sparsity = 0.5 };
        using LanguageModel expected = Pruner.Prune(merged, method, null, PrunedModels.In(folder)).Model;
        using LanguageModel got = Pruner.Prune(adapted, method, null, PrunedModels.In(folder)).Model;
        Assert.AreEqual(expected.ContentHash, got.ContentHash);
    }

    [TestMethod]
    public void Train_BadInput_NamesIt()
    {
        using LanguageModel model = Model(masked: false);
        void Expect(LoraOptions options, string message)
        {
            var error = Assert.ThrowsExactly<ArgumentException>(() => LoraTrainer.Train(model, Examples(), options));
            StringAssert.Contains(error.Message, message);
        }

        Expect(new LoraOptions { Rank = 0 }, "LoRA rank is 0; it must be from 1 to 4096");
        Expect(new LoraOptions { Alpha = double.NaN }, "alpha is NaN");
        Expect(new LoraOptions { Dropout = 1 }, "dropout is 1; it must be at least 0 and below 1");
        Expect(new LoraOptions { Targets = [] }, "no LoRA target");
        using LanguageModel adapted = Adapted(model, dora: true);
        var twice = Assert.ThrowsExactly<ArgumentException>(() => LoraTrainer.Train(adapted, Examples()));
        StringAssert.Contains(twice.Message, "has adapters already");
        using LanguageModel merged = adapted.Merged();
        Assert.ThrowsExactly<NotSupportedException>(() => LoraAdapters.Unmerge(merged, adapted));
    }

    private static TrainingExamples Examples() => TrainingExamples.FromWindows(TinyTraining.Windows());

    private static ML.Pruning.Calibration.TokenWindows HeldOut() => ML.Pruning.Calibration.TokenWindows.FromTokens(
        [.. Enumerable.Range(54, 6).SelectMany(i => TinyTraining.Windows()[i].ToArray())], TinyTraining.WindowLength);

    private static LoraOptions Options(TestFolder folder) => new()
    {
        Rank = 4,
        Training = TinyTraining.Options(folder) with { WeightDecay = 0 },
    };

    // A model that has learned the text a little, half of its linear weights then removed.
    private static LanguageModel Learned(TestFolder folder, bool masked)
    {
        using LanguageModel start = TinyTraining.Model();
        LanguageModel learned = TinyTraining.Train(start, TinyTraining.Windows(), TinyTraining.Options(folder, 60));
        if (!masked) return learned;
        using (learned)
            return Pruner.Prune(learned, new Magnitude { Sparsity = 0.5 }, null, PrunedModels.In(folder)).Model;
    }

    private static LanguageModel Model(bool masked)
    {
        LanguageModel model = RandomModel.Create(RandomModel.Llama);
        if (!masked) return model;
        using (model) return Pruner.Prune(model, new Magnitude { Sparsity = 0.5 }).Model;
    }

    /// <summary>A model with adapters whose B (and m) are not what they start from.</summary>
    internal static LanguageModel Adapted(LanguageModel model, bool dora)
    {
        using LanguageModel fresh = LoraAdapters.Attach(model, new LoraOptions { Rank = 3, Dora = dora });
        var random = new Random(9);
        return PrunedModels.With(fresh, fresh.Spec.AdapterParameters().ToDictionary(p => p.Name, p =>
            fresh.Weights[p.Name].ToArray().Select(v => v + 0.2f * (random.NextSingle() - 0.5f)).ToArray()));
    }

    private static float[] Logits(LanguageModel model, int[] tokens)
    {
        using TorchDecoder decoder = TorchDecoder.Load(model);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        var logits = new float[tokens.Length * model.Spec.VocabularySize];
        TorchWeights.CopyTo(decoder.forward(TorchWeights.ToTokens(tokens, 1)), logits);
        return logits;
    }

    private static void AssertClose(float[] expected, float[] got, double relative)
    {
        double largest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], got[i], relative * largest, $"{i}");
    }

    private sealed class Disposables(Tensor[] tensors) : IDisposable
    {
        public void Dispose()
        {
            foreach (Tensor tensor in tensors) tensor.Dispose();
        }
    }

    private sealed class StopAt(int step, CancellationTokenSource source) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == step) source.Cancel();
        }
    }
}
