using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Pruning.Structured;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning.Structured;

[TestClass]
public sealed class WidthPruningTests
{
    /// <summary>Property: what is silent goes first, and the result has the target shape, the same in every
    /// layer.</summary>
    [TestMethod]
    public void Prune_ToATargetShape_RemovesWhatIsSilent()
    {
        using var folder = new TestFolder();
        using LanguageModel random = RandomModel.Create(RandomModel.Llama);
        var changed = new Dictionary<string, float[]>();
        foreach (int layer in new[] { 0, 1 })
        {
            Clear(TensorNames.Weight(layer, TensorNames.Value), 0, 4);
            Clear(TensorNames.Weight(layer, TensorNames.Up), 3, 9);
        }

        using LanguageModel model = PrunedModels.With(random, changed);
        var method = new WidthPruning { KeyValueHeads = 1, MlpWidth = 17, HiddenSize = 12, RoundTo = 4 };
        PruningResult result = Pruner.PruneWithWindows(model, method, Windows(model.Spec), PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        Assert.IsTrue(pruned.Spec.IsUniform);
        Assert.AreEqual((2, 1, 16, 12), (pruned.Spec.Layers[0].Heads, pruned.Spec.Layers[0].KeyValueHeads,
            pruned.Spec.Layers[0].MlpWidth, pruned.Spec.HiddenSize));
        Assert.AreEqual(result.Plan.ParametersAfter, pruned.Spec.ParameterCount);
        Assert.IsLessThanOrEqualTo(1e-5, result.Report.Structure!.LargestLogitDifference);
        foreach (FamilyReport family in result.Report.Structure!.Families)
        {
            if (family.Kind == GroupKind.Heads) CollectionAssert.AreEqual(new[] { 0 }, family.Removed.ToArray());
            if (family.Kind == GroupKind.Neuron)
                CollectionAssert.AreEqual(Enumerable.Range(3, 8).ToArray(), family.Removed.ToArray());
        }

        void Clear(string name, int firstRow, int rows)
        {
            float[] values = random.Weights[name].ToArray();
            values.AsSpan(firstRow * 16, rows * 16).Clear();
            changed[name] = values;
        }
    }

    /// <summary>A layer that adds nothing has block influence 0 and goes first.</summary>
    [TestMethod]
    public void Prune_ToFewerLayers_RemovesTheOneThatAddsNothing()
    {
        using var folder = new TestFolder();
        ModelSpec spec = RandomModel.Llama with { Layers = [.. Enumerable.Repeat(RandomModel.Llama.Layers[0], 3)] };
        using LanguageModel random = RandomModel.Create(spec);
        using LanguageModel model = PrunedModels.With(random, new Dictionary<string, float[]>
        {
            [TensorNames.Weight(1, TensorNames.Output)] = new float[16 * 16],
            [TensorNames.Weight(1, TensorNames.Down)] = new float[16 * 24],
        });
        PruningResult result = Pruner.PruneWithWindows(
            model, new WidthPruning { Layers = 2 }, Windows(spec), PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        Assert.HasCount(2, pruned.Spec.Layers);
        Assert.AreEqual(1, result.Report.Structure!.Families.Single(f => f.Removed.Count > 0).Layer);
    }

    [TestMethod]
    public void Plan_BadOptions_NamesThem()
    {
        Refuse(new WidthPruning { MlpWidth = 3, RoundTo = 4 }, "3 MLP neurons");
        Refuse(new WidthPruning { HiddenSize = 17 }, "17 channels");
        Refuse(new WidthPruning { KeyValueHeads = 0 }, "0 key/value heads");
        Refuse(new WidthPruning { Layers = 3 }, "3 layers");
        Refuse(new WidthPruning { RoundTo = 0 }, "multiples of 0");
        Assert.ThrowsExactly<PruningException>(() => new WidthPruning().Plan(RandomModel.Llama));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => new WidthPruning { KeyValueHeads = 1 }.Plan(
            RandomModel.Llama with
            {
                Layers = [RandomModel.Layer(4, 2, 4, 24), RandomModel.Layer(4, 2, 4, 20)],
            })).Message,
            "differ in shape");

        static void Refuse(WidthPruning method, string text) => StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => method.Plan(RandomModel.Llama)).Message, text);
    }

    private static TokenWindows Windows(ModelSpec spec) =>
        TokenWindows.FromTokens(RandomModel.Tokens(spec, 6 * 16, seed: 3), 16);
}
