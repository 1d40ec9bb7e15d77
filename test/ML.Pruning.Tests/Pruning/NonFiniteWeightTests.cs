using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

/// <summary>Weights that are NaN or infinite, when they are allowed, are kept bit by bit and reported.</summary>
[TestClass]
public sealed class NonFiniteWeightTests
{
    private static readonly string s_name = TensorNames.Weight(1, TensorNames.Down);

    [TestMethod]
    [DataRow("unstructured", ComparisonGroup.Tensor)]
    [DataRow("unstructured", ComparisonGroup.Row)]
    [DataRow("unstructured", ComparisonGroup.Tile)]
    [DataRow("unstructured", ComparisonGroup.Model)]
    [DataRow("2:4", ComparisonGroup.Row)]
    [DataRow("block:2x4", ComparisonGroup.Tensor)]
    public void Prune_Allowed_KeepsThemAndSaysSo(string pattern, ComparisonGroup group)
    {
        using var folder = new TestFolder();
        using LanguageModel model = Broken();
        var method = new Magnitude { Pattern = SparsityPattern.Parse(pattern), Group = group, AllowNonFinite = true };
        PruningResult result = Pruner.Prune(model, method, context: PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        float[] before = model.Weights[s_name].ToArray(), after = pruned.Weights[s_name].ToArray();
        Assert.AreEqual(3, before.Count(w => !float.IsFinite(w)));
        for (int i = 0; i < before.Length; i++)
        {
            if (float.IsFinite(before[i])) continue;
            Assert.AreEqual(BitConverter.SingleToInt32Bits(before[i]), BitConverter.SingleToInt32Bits(after[i]));
        }

        Assert.AreEqual(0.5, result.Report.Sparsity);
        string note = result.Report.Notes.Single(n => n.Contains(s_name, StringComparison.Ordinal));
        StringAssert.Contains(note, "[5, 17]");
        StringAssert.Contains(note, "were kept");
        Assert.IsTrue((bool)pruned.Provenance[0].Options["allowNonFinite"]!);
    }

    [TestMethod]
    public void Prune_AllowedButActivationsAreNotFinite_NamesTheTensor()
    {
        using var folder = new TestFolder();
        using LanguageModel whole = RandomModel.Create(RandomModel.Llama);
        string early = TensorNames.Weight(0, TensorNames.Up);
        float[] weight = whole.Weights[early].ToArray();
        weight[3] = float.NaN;
        using LanguageModel model = PrunedModels.With(whole, new Dictionary<string, float[]> { [early] = weight });
        var windows = TokenWindows.FromTokens(RandomModel.Tokens(model.Spec, 32), 16);
        var e = Assert.ThrowsExactly<PruningException>(() => Pruner.PruneWithWindows(
            model, new Wanda { AllowNonFinite = true }, windows, PrunedModels.In(folder)));
        StringAssert.Contains(e.Message, "'layers.0.mlp.down_proj.weight'");
        Assert.IsEmpty(folder.Names);
    }

    private static LanguageModel Broken()
    {
        ModelSpec spec = RandomModel.Llama;
        using LanguageModel model = RandomModel.Create(spec);
        float[] weight = model.Weights[s_name].ToArray();
        (weight[5 * 24 + 17], weight[6 * 24], weight[9 * 24 + 23]) =
            (float.NaN, float.NegativeInfinity, float.PositiveInfinity);
        return PrunedModels.With(model, new Dictionary<string, float[]> { [s_name] = weight });
    }
}
