using ML.Pruning.Models;
using ML.Pruning.Pruning.Structured;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning.Structured;

/// <summary>Property: a group can go as a whole. For a small random model of every family the model without it gives
/// the logits of the big one in which it is zero.</summary>
[TestClass]
public sealed class DependencyGroupTests
{
    [TestMethod]
    public void Groups_OfLlama_AreThosePublished()
    {
        DependencyGraph graph = DependencyGraph.Of(RandomModel.Llama);
        CollectionAssert.AreEquivalent(
            new[]
            {
                (GroupKind.Channel, -1, 16), (GroupKind.Heads, 0, 2), (GroupKind.Neuron, 0, 24),
                (GroupKind.Heads, 1, 2), (GroupKind.Neuron, 1, 24), (GroupKind.Layer, 0, 1), (GroupKind.Layer, 1, 1),
            },
            graph.Families.Select(f => (f.Kind, f.Layer, f.Count)).ToArray());

        // Two query heads of 4 rows read each key/value head.
        AssertSlices(graph.Family(GroupKind.Heads, 1)[1],
            ("layers.1.self_attn.q_proj.weight", 0, 8, 8), ("layers.1.self_attn.k_proj.weight", 0, 4, 4),
            ("layers.1.self_attn.v_proj.weight", 0, 4, 4), ("layers.1.self_attn.o_proj.weight", 1, 8, 8));
        AssertSlices(graph.Family(GroupKind.Neuron, 0)[5],
            ("layers.0.mlp.gate_proj.weight", 0, 5, 1), ("layers.0.mlp.up_proj.weight", 0, 5, 1),
            ("layers.0.mlp.down_proj.weight", 1, 5, 1));

        // A channel takes a slice of everything but what lies inside heads and neurons.
        DependencyGroup channel = graph.Family(GroupKind.Channel, -1)[3];
        CollectionAssert.AreEquivalent(
            RandomModel.Llama.Parameters().Select(p => p.Name).ToArray(),
            channel.Slices.Select(s => s.Tensor).ToArray());
        Assert.IsTrue(channel.Slices.All(s => s is { Start: 3, Count: 1 }));
        Assert.AreEqual(0, channel.Slices.Single(s => s.Tensor == "layers.0.self_attn.o_proj.weight").Dimension);
        Assert.AreEqual(1, channel.Slices.Single(s => s.Tensor == "layers.0.self_attn.q_proj.weight").Dimension);
    }

    [TestMethod]
    public void Explain_KeyValueHead_SaysWhyTheOthersGo()
    {
        DependencyGroup heads = DependencyGraph.Of(RandomModel.Llama).Family(GroupKind.Heads, 0)[0];
        string[] why = [.. heads.Explain()];
        StringAssert.Contains(why[0], "where it starts");
        Assert.IsTrue(why.Any(w => w.Contains("rows of self_attn.q_proj") && w.Contains("reads it goes")));
        Assert.IsTrue(why.Any(w => w.Contains("columns of self_attn.o_proj") && w.Contains("reads of 'attention")));
    }

    [TestMethod]
    public void Remove_AnyGroupOfEveryFamily_EqualsZeroMaskingIt()
    {
        foreach ((string name, ModelSpec spec) in Specs())
        {
            using LanguageModel model = RandomModel.Create(spec);
            foreach (GroupFamily family in DependencyGraph.Of(spec).Families)
            {
                foreach (int index in new[] { 0, family.Count / 2, family.Count - 1 }.Distinct())
                    AssertRemovable(name, model, [family[index]]);
            }
        }
    }

    [TestMethod]
    public void Remove_GroupsOfAllKindsAtOnce_EqualsZeroMaskingThem()
    {
        foreach ((string name, ModelSpec spec) in Specs())
        {
            using LanguageModel model = RandomModel.Create(spec);
            DependencyGraph graph = DependencyGraph.Of(spec);
            GroupFamily? channels = graph.Families.FirstOrDefault(f => f.Kind == GroupKind.Channel);
            Assert.AreEqual(spec.Encoder is null, channels is not null, name);
            AssertRemovable(name, model,
            [
                .. channels is null ? (IEnumerable<DependencyGroup>)[] : [channels[1], channels[2]],
                graph.Family(GroupKind.Heads, 0)[0], graph.Family(GroupKind.Neuron, 0)[3],
                graph.Family(GroupKind.Layer, 1)[0],
            ]);
        }
    }

    /// <summary>The proof can fail: the same cut of another model.</summary>
    [TestMethod]
    public void LargestDifference_OfAnotherModel_IsLarge()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(RandomModel.Llama),
            other = RandomModel.Create(RandomModel.Llama, 2);
        var cut = new StructuralCut(model.Spec, [DependencyGraph.Of(model.Spec).Family(GroupKind.Neuron, 0)[0]]);
        using LanguageModel small = ModelSlicer.Slice(other, cut, folder.Path, default);
        Assert.IsGreaterThan(0.01, MaskedProof.LargestDifference(model.Weights, cut, small, default));
    }

    private static void AssertRemovable(string name, LanguageModel model, IReadOnlyCollection<DependencyGroup> groups)
    {
        using var folder = new TestFolder();
        var cut = new StructuralCut(model.Spec, groups);
        using LanguageModel small = ModelSlicer.Slice(model, cut, folder.Path, default);
        long gone = groups.Sum(g => g.Slices.Sum(s =>
            s.Count * (model.Weights[s.Tensor].ElementCount / model.Weights[s.Tensor].Shape[s.Dimension])));
        if (groups.Count == 1) Assert.AreEqual(model.Spec.ParameterCount - gone, small.Spec.ParameterCount);
        double difference = MaskedProof.LargestDifference(model.Weights, cut, small, default);
        DependencyGroup first = groups.First();
        Assert.IsLessThanOrEqualTo(MaskedProof.Tolerance, difference,
            $"{name}, {first.Kind} {first.Index} of layer {first.Layer}");
    }

    private static void AssertSlices(
        DependencyGroup group, params (string Tensor, int Dimension, int Start, int Count)[] expected) =>
        CollectionAssert.AreEqual(expected,
            group.Slices.Select(s => (s.Tensor, s.Dimension, s.Start, s.Count)).ToArray());

    // Every family, and a LLaMA with all biases and grouped queries.
    private static IEnumerable<(string Name, ModelSpec Spec)> Specs() =>
    [
        .. FamilyConfigs.All.Keys.Concat(FamilyConfigs.Encoders.Keys).Select(name => (name, FamilyConfigs.Spec(name))),
        ("llama with biases", RandomModel.Llama with
        {
            QueryKeyValueBias = true, OutputBias = true, MlpBias = true, TiedHead = true,
            Layers = [RandomModel.Layer(6, 3, 4, 20), RandomModel.Layer(4, 2, 8, 24)],
        }),
    ];
}
