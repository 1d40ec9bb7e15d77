using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Models;

/// <summary>A checkpoint must hold exactly what its config.json calls for.</summary>
[TestClass]
public sealed class WeightMapTests
{
    private const string Query = "model.layers.1.self_attn.q_proj.weight";
    private static readonly ModelFamily s_llama = FamilyRegistry.Get("llama");

    [TestMethod]
    public void ToCanonical_ExactCheckpoint_GivesEveryParameter()
    {
        IReadOnlyDictionary<string, StoredTensor> weights =
            WeightMap.ToCanonical(RandomModel.Llama, s_llama, Checkpoint());
        CollectionAssert.AreEquivalent(
            RandomModel.Llama.Parameters().Select(p => p.Name).ToArray(), weights.Keys.ToArray());
    }

    [TestMethod]
    public void ToCanonical_WithoutPrefix_IsTheSame()
    {
        Dictionary<string, StoredTensor> bare = Checkpoint().ToDictionary(
            t => t.Key.StartsWith("model.", StringComparison.Ordinal) ? t.Key["model.".Length..] : t.Key, t => t.Value);
        Assert.AreEqual(bare.Count, WeightMap.ToCanonical(RandomModel.Llama, s_llama, bare).Count);
    }

    [TestMethod]
    public void ToCanonical_TensorMissing_NamesIt()
    {
        Dictionary<string, StoredTensor> checkpoint = Checkpoint();
        checkpoint.Remove(Query);
        Refused(checkpoint, Query);
    }

    [TestMethod]
    public void ToCanonical_TensorSurplus_NamesIt()
    {
        Dictionary<string, StoredTensor> checkpoint = Checkpoint();
        checkpoint["model.layers.1.self_attn.q_norm.weight"] = checkpoint[Query];
        Refused(checkpoint, "model.layers.1.self_attn.q_norm.weight");
    }

    [TestMethod]
    public void ToCanonical_TensorOfAnotherShape_NamesItAndBothShapes()
    {
        Dictionary<string, StoredTensor> checkpoint = Checkpoint();
        checkpoint[Query] = new ArrayTensor(Query, new float[16 * 8], [16, 8]);
        Refused(checkpoint, Query, "[16, 8]", "[16, 16]");
    }

    [TestMethod]
    public void ToCanonical_IntegerTensor_IsRefused()
    {
        Dictionary<string, StoredTensor> checkpoint = Checkpoint();
        checkpoint[Query] = new BytesTensor(Query, new byte[16 * 16], [16, 16], TensorType.U8);
        Refused(checkpoint, Query, "U8");
    }

    [TestMethod]
    public void ToCanonical_RotaryCacheInTheCheckpoint_IsSkipped()
    {
        Dictionary<string, StoredTensor> checkpoint = Checkpoint();
        checkpoint["model.layers.0.self_attn.rotary_emb.inv_freq"] = new ArrayTensor("inv_freq", new float[2], [2]);
        Assert.AreEqual(checkpoint.Count - 1, WeightMap.ToCanonical(RandomModel.Llama, s_llama, checkpoint).Count);
    }

    private static void Refused(Dictionary<string, StoredTensor> checkpoint, params string[] mentioned)
    {
        var e = Assert.ThrowsExactly<ModelFormatException>(
            () => WeightMap.ToCanonical(RandomModel.Llama, s_llama, checkpoint));
        foreach (string text in mentioned) StringAssert.Contains(e.Message, text);
    }

    private static Dictionary<string, StoredTensor> Checkpoint()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        return WeightMap.FromCanonical(model.Spec, s_llama, model.Weights).ToDictionary(t => t.Name);
    }
}
