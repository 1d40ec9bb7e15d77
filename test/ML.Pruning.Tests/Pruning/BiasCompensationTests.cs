using ML.Pruning.Calibration;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Calibration;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

[TestClass]
public sealed class BiasCompensationTests
{
    private const int Rows = 7;
    private const int Columns = 20;
    private const int Tokens = 60;

    [TestMethod]
    public void Update_ConstantInputs_LeavesOutputsAsTheyWere()
    {
        float[] token = HessianTests.Inputs(Columns, seed: 3);
        (double[] before, double[] after) =
            OutputsOf([.. Enumerable.Range(0, Tokens).SelectMany(_ => token)], out _);
        for (int i = 0; i < before.Length; i++) Assert.AreEqual(before[i], after[i], 1e-5);
    }

    [TestMethod]
    public void Update_AnyInputs_LeavesTheMeanOutputAsItWas()
    {
        (double[] before, double[] after) =
            OutputsOf(HessianTests.Inputs(Tokens * Columns, seed: 3), out float[] change);
        for (int row = 0; row < Rows; row++)
        {
            double mean = Enumerable.Range(0, Tokens).Average(t => after[t * Rows + row] - before[t * Rows + row]);
            Assert.AreEqual(0, mean, 1e-6);
            Assert.AreNotEqual(0, change[row]);
        }
    }

    [TestMethod]
    public void Prune_WandaWithBias_KeepsTheMaskAndLowersTheOutputError()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        TokenWindows windows = Windows(model.Spec);
        using LanguageModel plain = Pruner.PruneWithWindows(model, new Wanda(), windows, PrunedModels.In(folder)).Model;
        PruningResult result = Pruner.PruneWithWindows(
            model, new Wanda { Update = new BiasCompensation() }, windows, PrunedModels.In(folder));
        using LanguageModel biased = result.Model;
        Assert.AreEqual(model.Spec.ParameterCount
            + Enumerable.Range(0, 2).Sum(i => model.Spec.Linears(i).Sum(l => (long)l.OutFeatures)),
            biased.Spec.ParameterCount);
        Assert.AreEqual(result.Plan.After.ParameterCount, biased.Spec.ParameterCount);
        Assert.HasCount(14, result.Report.Tensors);

        // The first map sees the same inputs with and without biases.
        string first = TensorNames.Weight(0, TensorNames.Query);
        CollectionAssert.AreEqual(PrunedModels.Bytes(plain, first), PrunedModels.Bytes(biased, first));

        HuggingFaceModel.Save(biased, folder["saved"]);
        using LanguageModel read = HuggingFaceModel.Open(folder["saved"]);
        foreach (string name in biased.Weights.Keys)
            CollectionAssert.AreEqual(PrunedModels.Bytes(biased, name), PrunedModels.Bytes(read, name));
    }

    [TestMethod]
    public void Prune_MapsWithABias_MovesIt()
    {
        ModelSpec spec = RandomModel.Llama with { QueryKeyValueBias = true, OutputBias = true, MlpBias = true };
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(spec);
        var method = new Magnitude { Update = new BiasCompensation(), IncludeTensors = ["layers.0.mlp.down_proj.*"] };
        using LanguageModel moved =
            Pruner.PruneWithWindows(model, method, Windows(spec), PrunedModels.In(folder)).Model;
        Assert.AreEqual(LinearParts.None, moved.Spec.Layers[0].AddedBiases);
        string down = TensorNames.Bias(0, TensorNames.Down), up = TensorNames.Bias(0, TensorNames.Up);
        CollectionAssert.AreEqual(PrunedModels.Bytes(model, up), PrunedModels.Bytes(moved, up));
        CollectionAssert.AreNotEqual(PrunedModels.Bytes(model, down), PrunedModels.Bytes(moved, down));
    }

    // Recorded numbers; without the bias 31.7497 and 14.3392.
    [TestMethod]
    [DataRow("magnitude", 19.3119)]
    [DataRow("wanda", 12.0129)]
    public void Prune_HalfOfStories_HasTheRecordedPerplexity(string name, double expected)
    {
        var update = new BiasCompensation();
        double perplexity = GoldenProtocol.Measure(name == "wanda"
            ? new Wanda { Update = update, Calibration = GoldenProtocol.Calibration }
            : new Magnitude { Update = update, Calibration = GoldenProtocol.Calibration }).Perplexity;
        Assert.AreEqual(expected, perplexity, 1e-3 * expected);
    }

    // Outputs [tokens, rows] with half of the weights removed, and with the change of the bias.
    private static (double[] Before, double[] After) OutputsOf(float[] inputs, out float[] change)
    {
        float[] weight = HessianTests.Inputs(Rows * Columns, seed: 8), pruned = [.. weight];
        WeightMask mask = WeightMask.FromNonZeros(
            [.. Enumerable.Range(0, weight.Length).Select(i => i % 3 == 0 ? 0f : 1f)], Rows, Columns);
        using var statistics = new ActivationStatistics(Columns, StatisticsNeeds.Moments);
        statistics.Add(inputs);
        float[] bias = change = new BiasCompensation().Update("w", pruned, mask, statistics, default).BiasChange!;
        for (int i = 0; i < weight.Length; i++) Assert.AreEqual(i % 3 == 0 ? 0 : weight[i], pruned[i]);
        return (Outputs(weight, null), Outputs(pruned, bias));

        double[] Outputs(float[] w, float[]? b) => [.. Enumerable.Range(0, Tokens).SelectMany(t =>
            Enumerable.Range(0, Rows).Select(r => (b?[r] ?? 0.0)
                + Enumerable.Range(0, Columns).Sum(i => (double)w[r * Columns + i] * inputs[t * Columns + i])))];
    }

    private static TokenWindows Windows(ModelSpec spec) => TokenWindows.FromTokens(
        [.. Enumerable.Range(0, 8).SelectMany(i => RandomModel.Tokens(spec, 16, i))], 16);
}
