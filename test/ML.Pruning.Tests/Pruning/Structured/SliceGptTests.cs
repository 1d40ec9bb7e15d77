using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Models.Torch;
using ML.Pruning.Pruning;
using ML.Pruning.Pruning.Structured;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Models.Families;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Pruning.Structured;

/// <summary>Identities: turning without slicing changes nothing; what slicing loses is the energy of the directions
/// that go; a stream that has no other directions loses nothing.</summary>
[TestClass]
public sealed class SliceGptTests
{
    private const string Llama7B = """
        { "model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008, "num_attention_heads": 32,
          "num_hidden_layers": 32, "vocab_size": 32000, "rms_norm_eps": 1e-6 }
        """;

    public static IEnumerable<object[]> Names =>
        FamilyConfigs.All.Keys.Where(name => name != "gemma2").Select(name => new object[] { name });

    /// <summary>Golden: counted from shapes by hand.</summary>
    [TestMethod]
    [DataRow(0.10, 6_939_941_888)]
    [DataRow(0.20, 6_105_940_928)]
    [DataRow(0.25, 5_704_777_728)]
    [DataRow(0.30, 5_292_914_432)]
    public void Plan_Llama7B_HasTheCountOfItsShapes(double ratio, long parameters)
    {
        ModelSpec spec = FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig(Llama7B));
        PruningPlan plan = new SliceGpt { Ratio = ratio }.Plan(spec);
        Assert.AreEqual(parameters, plan.ParametersAfter);
        Assert.AreEqual(parameters, (long)plan.ToJson()["parameters"]!["after"]!);
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Prune_NoSlice_LeavesLogitsUnchanged(string name)
    {
        using var folder = new TestFolder();
        using LanguageModel model = FamilyConfigs.Create(name);
        int[] tokens = RandomModel.Tokens(model.Spec, 24);
        float[] expected = FamilyFolder.Logits(model, tokens);
        foreach (SliceOrientation orientation in Enum.GetValues<SliceOrientation>())
        {
            PruningResult result = Prune(
                model, new SliceGpt { Ratio = 0, Orientation = orientation, Seed = 3 }, folder);
            using LanguageModel rotated = result.Model;
            float[] actual = FamilyFolder.Logits(rotated, tokens);
            double error = expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max() / expected.Max(Math.Abs);
            Assert.IsLessThan(1e-5, error, orientation.ToString());
            Assert.IsTrue(result.Report.Structure!.Slices.All(s => s.LostEnergy == 0));
            CollectionAssert.AreNotEqual(PrunedModels.Bytes(model, TensorNames.Weight(0, TensorNames.Up)),
                PrunedModels.Bytes(rotated, TensorNames.Weight(0, TensorNames.Up)));
        }
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Prune_HalfTheStream_ProvesItselfReloadsAndIsPrunedAgain(string name)
    {
        using var folder = new TestFolder();
        using LanguageModel model = FamilyConfigs.Create(name);
        PruningResult result = Prune(model, new SliceGpt { Ratio = 0.5, RoundTo = 4 }, folder);
        using LanguageModel sliced = result.Model;
        Assert.AreEqual(8, sliced.Spec.ResidualWidth);
        Assert.AreEqual(result.Plan.ParametersAfter, sliced.Weights.Values.Sum(w => w.ElementCount));
        Assert.IsLessThanOrEqualTo(1e-5, result.Report.Structure!.LargestLogitDifference);
        Assert.IsTrue(result.Report.Structure.Slices.All(s => s.LostEnergy is > 0 and < 1));
        int[] tokens = RandomModel.Tokens(model.Spec, 20);
        float[] logits = FamilyFolder.Logits(sliced, tokens);
        HuggingFaceModel.Save(sliced, folder["saved"]);
        using (LanguageModel saved = HuggingFaceModel.Open(folder["saved"]))
            CollectionAssert.AreEqual(logits, FamilyFolder.Logits(saved, tokens));
        LanguageModelZip.Save(sliced, folder["saved.zip"]);
        using (LanguageModel saved = LanguageModelSource.Open(folder["saved.zip"]))
            CollectionAssert.AreEqual(logits, FamilyFolder.Logits(saved, tokens));

        using (LanguageModel sparse = Prune(sliced, new Wanda(), folder).Model)
            Assert.AreEqual(sliced.Spec.ToJson(), sparse.Spec.ToJson());
        PruningResult again = Prune(sliced, new LlmPruner { Ratio = 0.5 }, folder);
        using LanguageModel smaller = again.Model;
        Assert.IsLessThanOrEqualTo(1e-5, again.Report.Structure!.LargestLogitDifference);
        Assert.AreEqual(sliced.Spec.Layers[0].MlpWidth / 2, smaller.Spec.Layers[0].MlpWidth);
    }

    [TestMethod]
    public void Prune_StreamInFewDirections_LosesNothing()
    {
        // Embedding, attention and MLP write 8 directions of 16 only.
        using LanguageModel random = RandomModel.Create(RandomModel.Llama, seed: 6);
        double[][] directions = [.. Enumerable.Range(0, 8).Select(i => Enumerable.Range(0, 16)
            .Select(c => Math.Cos(Math.PI * (i + 1) * (c + 0.5) / 16) / Math.Sqrt(8)).ToArray())];
        var changed = new Dictionary<string, float[]>
        {
            [TensorNames.Embedding] = Restrict(random.Weights[TensorNames.Embedding].ToArray(), 16, rows: true),
        };
        for (int layer = 0; layer < 2; layer++)
        {
            foreach (string part in (string[])[TensorNames.Output, TensorNames.Down])
            {
                string name = TensorNames.Weight(layer, part);
                StoredTensor tensor = random.Weights[name];
                changed[name] = Restrict(tensor.ToArray(), (int)tensor.Shape[1], rows: false);
            }
        }

        using LanguageModel model = PrunedModels.With(random, changed);
        using var folder = new TestFolder();
        PruningResult result = Prune(model, new SliceGpt { Ratio = 0.5 }, folder);
        using LanguageModel sliced = result.Model;
        Assert.IsTrue(result.Report.Structure!.Slices.All(s => s.LostEnergy < 1e-12));
        int[] tokens = RandomModel.Tokens(model.Spec, 20);
        float[] expected = FamilyFolder.Logits(model, tokens), actual = FamilyFolder.Logits(sliced, tokens);
        Assert.IsLessThan(1e-5, expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max() / expected.Max(Math.Abs));

        // Each row, or each column, projected onto the directions.
        float[] Restrict(float[] matrix, int columns, bool rows)
        {
            int count = matrix.Length / columns;
            var result = new float[matrix.Length];
            for (int v = 0; v < (rows ? count : columns); v++)
            {
                foreach (double[] direction in directions)
                {
                    double dot = Enumerable.Range(0, 16).Sum(c => direction[c] * matrix[At(v, c)]);
                    for (int c = 0; c < 16; c++) result[At(v, c)] += (float)(dot * direction[c]);
                }
            }

            return result;

            int At(int vector, int c) => rows ? vector * columns + c : c * columns + vector;
        }
    }

    [TestMethod]
    public void StreamBasis_LostEnergy_IsTheErrorOfReconstructionAndTheLeastOfAll()
    {
        ModelSpec spec = RandomModel.Llama;
        using LanguageModel model = RandomModel.Create(spec, seed: 7);
        TokenWindows windows = Windows(spec);
        using ResidualStream states = ResidualStream.Embed(
            spec, model.Weights, windows, CalibrationStorage.Memory, "", default);
        using StreamBasis pca = StreamBasis.Of(states, 16, 10, SliceOrientation.Pca, new Random(1));
        using StreamBasis turned = StreamBasis.Of(states, 16, 10, SliceOrientation.Random, new Random(1));
        Assert.AreEqual(pca.LostEnergy, turned.LostEnergy, 1e-12);
        double all = 0, lost = 0, lostTurned = 0, lostOthers = 0;
        using DisposeScope scope = NewDisposeScope();
        Tensor others = linalg.eigh(randn(16, 16, dtype: ScalarType.Float64).add(eye(16, dtype: ScalarType.Float64)))
            .Item2.narrow(1, 0, 10);
        states.Observe(x =>
        {
            Tensor wide = x.to_type(ScalarType.Float64);
            all += wide.square().sum().ToDouble();
            lost += Error(wide, pca.Directions);
            lostTurned += Error(wide, turned.Directions);
            lostOthers += Error(wide, others);
        });
        Assert.AreEqual(lost / all, pca.LostEnergy, 1e-9);
        Assert.AreEqual(lostTurned / all, turned.LostEnergy, 1e-9);
        Assert.IsLessThan(lostOthers, lost);
        double difference = pca.Directions.sub(turned.Directions).abs().max().ToDouble();
        Assert.IsGreaterThan(0.01, difference);

        static double Error(Tensor x, Tensor q) => x.sub(x.matmul(q).matmul(q.t())).square().sum().ToDouble();
    }

    [TestMethod]
    public void Plan_ModelsAndOptionsThatDoNotFit_AreRefused()
    {
        Refused<PruningException>(new SliceGpt(), FamilyConfigs.Spec("gemma2"), "\"gemma2\" norms the stream");
        Refused<PruningException>(
            new SliceGpt(), RandomModel.Llama.Folded() with { ResidualWidth = 8 }, "rotated already");
        Refused<ArgumentException>(new SliceGpt { Ratio = 1 }, RandomModel.Llama, "ratio is 1");
        Refused<ArgumentException>(new SliceGpt { Ratio = 0.6 }, RandomModel.Llama, "in multiples of 8");
        Refused<ArgumentException>(new SliceGpt { RoundTo = 0 }, RandomModel.Llama, "multiples of 0");
        Refused<ArgumentException>(new SliceGpt
        {
            Calibration = new CalibrationOptions { Precision = ComputePrecision.BFloat16 },
        }, RandomModel.Llama, "float32");
    }

    private static void Refused<T>(PruningMethod method, ModelSpec spec, string part)
        where T : Exception =>
        StringAssert.Contains(Assert.ThrowsExactly<T>(() => method.Plan(spec)).Message, part);

    private static PruningResult Prune(LanguageModel model, PruningMethod method, TestFolder folder) =>
        Pruner.PruneWithWindows(model, method, Windows(model.Spec), PrunedModels.In(folder));

    private static TokenWindows Windows(ModelSpec spec) =>
        TokenWindows.FromTokens(RandomModel.Tokens(spec, 6 * 16, seed: 8), 16);
}
