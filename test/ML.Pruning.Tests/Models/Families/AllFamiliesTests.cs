using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Models.Torch;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Pruning;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>What holds for every family. Properties: the cache changes nothing, uneven layers survive a folder, pruning
/// works.</summary>
[TestClass]
public sealed class AllFamiliesTests
{
    public static IEnumerable<object[]> Names => FamilyConfigs.Names;

    public static IEnumerable<object[]> NamesWithEncoders => FamilyConfigs.NamesWithEncoders;

    [TestMethod]
    public void FamilyConfigs_HaveOneOfEachFamily() => CollectionAssert.AreEquivalent(
        FamilyRegistry.ModelTypes.ToArray(),
        FamilyConfigs.All.Keys.Concat(FamilyConfigs.Encoders.Keys).Select(name => FamilyConfigs.Spec(name).Family)
            .Distinct().ToArray());

    [TestMethod]
    [DynamicData(nameof(NamesWithEncoders))]
    public void MapTensors_CoversTheParametersOnce(string name)
    {
        ModelSpec spec = FamilyConfigs.Spec(name);
        CollectionAssert.AreEquivalent(spec.Parameters().Select(p => p.Name).ToArray(),
            FamilyRegistry.Get(spec.Family).MapTensors(spec).SelectMany(m => m.CanonicalNames).ToArray());
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Append_InPieces_EqualsEachWholeSequence(string name)
    {
        using LanguageModel model = FamilyConfigs.Create(name, Uneven(FamilyConfigs.Spec(name)));
        using var engine = new TorchEngine(model);
        int[] tokens = RandomModel.Tokens(model.Spec, 26);
        using IDecodingSession session = engine.StartDecoding();
        var last = new float[model.Spec.VocabularySize];
        int done = 0;
        foreach (int count in (int[])[1, 7, 1, 1, 3, 1, 12])
        {
            session.Append(tokens.AsSpan(done, count), last);
            done += count;
            float[] whole = FamilyFolder.Logits(model, tokens[..done]);
            float[] expected = whole[^last.Length..];
            double error = expected.Zip(last, (e, a) => Math.Abs(e - a)).Max() / whole.Max(Math.Abs);
            Assert.IsLessThan(1e-5, error, $"{done} tokens");
        }
    }

    [TestMethod]
    [DynamicData(nameof(NamesWithEncoders))]
    public void Save_UnevenLayersAndAddedBiases_ReadAsWritten(string name)
    {
        using var folder = new TestFolder();
        ModelSpec spec = Uneven(FamilyConfigs.Spec(name));
        spec = spec.WithAddedBiases(0, [TensorNames.Value, TensorNames.Down]);
        using LanguageModel model = FamilyConfigs.Create(name, spec);
        int[] tokens = RandomModel.Tokens(spec, 20);
        float[] logits = FamilyFolder.Logits(model, tokens);
        HuggingFaceModel.Save(model, folder["saved"]);
        using (LanguageModel saved = HuggingFaceModel.Open(folder["saved"]))
        {
            Assert.AreEqual(spec.ToJson(), saved.Spec.ToJson());
            CollectionAssert.AreEqual(logits, FamilyFolder.Logits(saved, tokens));
        }

        LanguageModelZip.Save(model, folder["saved.zip"]);
        using LanguageModel zipped = LanguageModelSource.Open(folder["saved.zip"]);
        Assert.AreEqual(spec.ToJson(), zipped.Spec.ToJson());
        CollectionAssert.AreEqual(logits, FamilyFolder.Logits(zipped, tokens));
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Save_SlicedStream_ReadsAsWrittenAndDecodes(string name)
    {
        ModelSpec dense = Uneven(FamilyConfigs.Spec(name));
        if (dense.PostNorms) return;
        ModelSpec spec = dense.Folded() with { ResidualWidth = 12 };
        using var folder = new TestFolder();
        using LanguageModel model = FamilyConfigs.Create(name, spec);
        int[] tokens = RandomModel.Tokens(spec, 14);
        float[] logits = FamilyFolder.Logits(model, tokens);
        HuggingFaceModel.Save(model, folder["saved"]);
        using LanguageModel saved = HuggingFaceModel.Open(folder["saved"]);
        Assert.AreEqual(spec.ToJson(), saved.Spec.ToJson());
        CollectionAssert.AreEqual(logits, FamilyFolder.Logits(saved, tokens));
        using var engine = new TorchEngine(saved);
        using IDecodingSession session = engine.StartDecoding();
        var last = new float[spec.VocabularySize];
        session.Append(tokens.AsSpan(0, 9), last);
        session.Append(tokens.AsSpan(9), last);
        double error = logits[^last.Length..].Zip(last, (e, a) => Math.Abs(e - a)).Max() / logits.Max(Math.Abs);
        Assert.IsLessThan(1e-5, error);
    }

    [TestMethod]
    [DynamicData(nameof(NamesWithEncoders))]
    public void WriteConfig_FewerEqualLayers_NeedsNoLayerShapes(string name)
    {
        ModelSpec spec = FamilyConfigs.Spec(name);
        foreach (int kept in (int[])[0, spec.Layers.Count - 1])
        {
            ModelSpec shallow = spec with { Layers = [spec.Layers[kept]] };
            JsonObject config = FamilyConfigs.Config(name);
            FamilyRegistry.Get(spec.Family).WriteConfig(shallow, config);
            Assert.IsFalse(config.ContainsKey("layer_shapes"));
            ModelSpec read = FamilyRegistry.ReadConfig(config);
            Assert.AreEqual(shallow.Window(0), read.Window(0));
            Assert.AreEqual(Windowless(shallow), Windowless(read));
        }
    }

    [TestMethod]
    [DynamicData(nameof(NamesWithEncoders))]
    public void Prune_WandaAndSparseGpt_HalveTheLinearsAndReload(string name)
    {
        using var folder = new TestFolder();
        using LanguageModel model = FamilyConfigs.Create(name);
        int[] tokens = RandomModel.Tokens(model.Spec, 20);
        ParameterSpec[] linears = PrunedModels.Linears(model.Spec);
        foreach (PruningMethod method in (PruningMethod[])[new Wanda(), new SparseGpt()])
        {
            using LanguageModel pruned = Pruner.PruneWithWindows(
                model, method, Windows(model.Spec), PrunedModels.In(folder)).Model;
            foreach (ParameterSpec p in linears)
                Assert.AreEqual(p.Count / 2, pruned.Weights[p.Name].ToArray().Count(w => w == 0), p.Name);
            string saved = folder[method.GetType().Name];
            HuggingFaceModel.Save(pruned, saved);
            using LanguageModel again = HuggingFaceModel.Open(saved);
            CollectionAssert.AreEqual(FamilyFolder.Logits(pruned, tokens), FamilyFolder.Logits(again, tokens));
        }
    }

    /// <summary>The model with another shape in the first layer: its last key/value head and a third of its MLP
    /// gone.</summary>
    private static ModelSpec Uneven(ModelSpec spec)
    {
        LayerSpec first = spec.Layers[0];
        LayerSpec smaller = first.KeepHeads([.. Enumerable.Range(0, first.KeyValueHeads - 1)]) with
        {
            MlpWidth = 2 * first.MlpWidth / 3,
        };
        return spec with { Layers = [smaller, .. spec.Layers.Skip(1)] };
    }

    private static TokenWindows Windows(ModelSpec spec) =>
        TokenWindows.FromTokens(RandomModel.Tokens(spec, 6 * 16, seed: 8), 16);

    private static string Windowless(ModelSpec spec) => (spec with
    {
        SlidingWindow = null,
        Layers = [.. spec.Layers.Select(l => l with { FullAttention = false })],
    }).ToJson();
}
