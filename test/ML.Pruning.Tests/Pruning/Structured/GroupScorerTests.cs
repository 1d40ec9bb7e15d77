using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Pruning.Structured;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning.Structured;

/// <summary>Oracle: scores of groups from the weights, worked out anew.</summary>
[TestClass]
public sealed class GroupScorerTests
{
    // 8 query heads of 4 rows on 4 key/value heads, as in stories260K.
    private static readonly ModelSpec s_spec = RandomModel.Llama with { Layers = [RandomModel.Layer(8, 4, 4, 24)] };

    /// <summary>Query heads 2g and 2g + 1 read key/value head g. Folding with a stride, as the authors' code does,
    /// would give g the query heads g and g + 4, and choose another head.</summary>
    [TestMethod]
    public void Score_GroupedQueries_FoldsConsecutiveHeads()
    {
        using LanguageModel random = RandomModel.Create(s_spec);
        string query = TensorNames.Weight(0, TensorNames.Query);
        float[] weight = random.Weights[query].ToArray();

        // Query heads 4 and 5 (key/value head 2) hardly count; with the stride heads 0 and 4, 1 and 5 would share that.
        for (int row = 0; row < 32; row++)
            for (int c = 0; c < 16; c++) weight[row * 16 + c] = row / 4 is 4 or 5 ? 0.001f : 1 + row / 4;
        using LanguageModel model = PrunedModels.With(random, new Dictionary<string, float[]> { [query] = weight });
        GroupFamily heads = DependencyGraph.Of(s_spec).Family(GroupKind.Heads, 0);
        double[] scores = new GroupScorer(model, GroupImportance.L1, GroupAggregation.Sum, 0).Score(heads, null);

        double[] rows = [.. weight.Chunk(16).Select(r => r.Sum(v => (double)Math.Abs(v)))];
        double[] Others() => [.. Enumerable.Range(0, 4).Select(g =>
            Rows(TensorNames.Key, g) + Rows(TensorNames.Value, g) + OutputColumns(g))];
        double[] contiguous = [.. Others().Select((s, g) => s + rows.Skip(8 * g).Take(8).Sum())];
        double[] strided = [.. Others().Select((s, g) => s + rows.Skip(4 * g).Take(4).Sum()
            + rows.Skip(4 * (g + 4)).Take(4).Sum())];
        for (int g = 0; g < 4; g++) Assert.AreEqual(contiguous[g], scores[g], 1e-5 * contiguous[g]);
        Assert.AreEqual(2, Array.IndexOf(scores, scores.Min()));
        Assert.AreNotEqual(2, Array.IndexOf(strided, strided.Min()));

        double Rows(string part, int g) => model.Weights[TensorNames.Weight(0, part)].ToArray()
            .Skip(4 * g * 16).Take(4 * 16).Sum(v => (double)Math.Abs(v));

        double OutputColumns(int g) => model.Weights[TensorNames.Weight(0, TensorNames.Output)].ToArray()
            .Where((_, i) => i % 32 / 8 == g).Sum(v => (double)Math.Abs(v));
    }

    [TestMethod]
    [DataRow(GroupAggregation.Sum)]
    [DataRow(GroupAggregation.Mean)]
    [DataRow(GroupAggregation.Prod)]
    [DataRow(GroupAggregation.Max)]
    [DataRow(GroupAggregation.Last)]
    public void Score_Neuron_AggregatesItsParameters(GroupAggregation aggregation)
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        GroupFamily neurons = DependencyGraph.Of(s_spec).Family(GroupKind.Neuron, 0);
        double[] scores = new GroupScorer(model, GroupImportance.L2, aggregation, 0).Score(neurons, null);
        double gate = Row(TensorNames.Gate), up = Row(TensorNames.Up);
        double down = model.Weights[TensorNames.Weight(0, TensorNames.Down)].ToArray()
            .Where((_, i) => i % 24 == 7).Sum(v => (double)v * v);
        double expected = aggregation switch
        {
            GroupAggregation.Sum => gate + up + down,
            GroupAggregation.Mean => (gate + up + down) / 3,
            GroupAggregation.Prod => gate * up * down,
            GroupAggregation.Max => Math.Max(gate, Math.Max(up, down)),
            _ => down,
        };
        Assert.AreEqual(expected, scores[7], 1e-9 * expected);

        double Row(string part) => model.Weights[TensorNames.Weight(0, part)].ToArray()
            .Skip(7 * 16).Take(16).Sum(v => (double)v * v);
    }

    [TestMethod]
    public void LowestTogether_Costs_SpendTheBudgetAndKeepOneOfEach()
    {
        IReadOnlyList<IReadOnlyList<int>> chosen =
            GroupRanking.LowestTogether([[1, 2, 9], [0.5, 3, 4, 8]], [10, 1], budget: 12);
        CollectionAssert.AreEqual(new[] { 0, 1 }, chosen[0].ToArray());
        CollectionAssert.AreEqual(new[] { 0 }, chosen[1].ToArray());
        chosen = GroupRanking.LowestTogether([[1, 2], [5, 6]], [1, 1], budget: 4);
        Assert.IsTrue(chosen.All(c => c.Count == 1));
    }
}
