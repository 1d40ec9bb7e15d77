using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

[TestClass]
public class MaskFileTests
{
    private static readonly string s_query = TensorNames.Weight(0, TensorNames.Query);
    private static readonly string s_down = TensorNames.Weight(1, TensorNames.Down);

    [TestMethod]
    [DataRow(TensorType.U8, "")]
    [DataRow(TensorType.Bool, "model.")]
    public void Prune_MasksByEitherName_AppliesThemAndNothingElse(TensorType type, string prefix)
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        Dictionary<string, bool[]> keep = Keep(model);
        using MaskFile masks = Write(folder, model, keep, type, prefix);
        PruningResult result =
            Pruner.Prune(model, new Magnitude { Masks = masks }, context: PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        foreach ((string name, bool[] kept) in keep) PrunedModels.AssertMasked(model, pruned, name, kept);
        CollectionAssert.AreEquivalent(keep.Keys, pruned.MaskedTensors.ToArray());
        Assert.AreEqual(keep.Values.Sum(k => k.Count(b => !b)), result.Plan.Zeros);
        JsonObject options = pruned.Provenance[0].Options;
        Assert.AreEqual(masks.Hash, (string)options["maskFileHash"]!);
        Assert.IsNull(options["sparsity"]);
    }

    [TestMethod]
    public void Prune_MasksWithUpdate_MovesWhatStays()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        Dictionary<string, bool[]> keep = Keep(model);
        using MaskFile masks = Write(folder, model, keep, TensorType.U8, "");
        using LanguageModel pruned = Pruner.PruneWithWindows(model, new SparseGpt { Masks = masks },
            TokenWindows.FromTokens(RandomModel.Tokens(model.Spec, 320), 32), PrunedModels.In(folder)).Model;
        foreach ((string name, bool[] kept) in keep)
        {
            float[] before = model.Weights[name].ToArray(), after = pruned.Weights[name].ToArray();
            CollectionAssert.AreEqual(kept, after.Select(w => w != 0).ToArray());
            Assert.IsTrue(before.Zip(after).Any(p => p.Second != 0 && p.First != p.Second));
        }
    }

    [TestMethod]
    public void Prune_FusedAndTransposedNames_AreSplit()
    {
        // GPT-2 stores query, key and value in one tensor [in, out].
        ModelSpec spec = RandomModel.Llama with
        {
            Family = "gpt2",
            Norm = NormKind.LayerNorm,
            Positions = PositionKind.Learned,
            GatedMlp = false,
            Activation = ActivationKind.GeluTanh,
            QueryKeyValueBias = true,
            OutputBias = true,
            MlpBias = true,
            TiedHead = true,
            Layers = [RandomModel.Layer(4, 4, 4, 64)],
        };
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(spec);
        var bytes = new byte[16 * 48];
        for (int i = 0; i < bytes.Length; i++) bytes[i] = (byte)(i / 48 % 3 == 0 || i % 48 == 20 ? 0 : 1);
        string path = Path.Combine(folder.Path, "masks.safetensors");
        SafetensorsWriter.Write(
            path, [new BytesTensor("transformer.h.0.attn.c_attn.weight", bytes, [16, 48], TensorType.U8)]);
        using MaskFile masks = MaskFile.Open(path);
        using LanguageModel pruned =
            Pruner.Prune(model, new Magnitude { Masks = masks }, context: PrunedModels.In(folder)).Model;
        (string Part, int First)[] parts = [(TensorNames.Query, 0), (TensorNames.Key, 16), (TensorNames.Value, 32)];
        foreach ((string part, int first) in parts)
        {
            string name = TensorNames.Weight(0, part);
            bool[] keep = [.. Enumerable.Range(0, 256).Select(i => i % 16 % 3 != 0 && first + i / 16 != 20)];
            PrunedModels.AssertMasked(model, pruned, name, keep);
        }
    }

    [TestMethod]
    public void Open_NoMaskOrWrongType_IsRefused()
    {
        using var folder = new TestFolder();
        string path = Path.Combine(folder.Path, "masks.safetensors");
        Assert.ThrowsExactly<FileNotFoundException>(() => MaskFile.Open(path));
        SafetensorsWriter.Write(path, []);
        Assert.ThrowsExactly<CheckpointFormatException>(() => MaskFile.Open(path));
        SafetensorsWriter.Write(path, [new ArrayTensor("some.mask", new float[4], [2, 2])]);
        StringAssert.Contains(
            Assert.ThrowsExactly<CheckpointFormatException>(() => MaskFile.Open(path)).Message, "some.mask");
    }

    [TestMethod]
    public void Plan_UnknownNameOrOtherShape_IsNamed()
    {
        using var folder = new TestFolder();
        string path = Path.Combine(folder.Path, "masks.safetensors");
        SafetensorsWriter.Write(path, [new BytesTensor("layers.7.x.weight", new byte[4], [2, 2], TensorType.U8)]);
        using (MaskFile masks = MaskFile.Open(path))
        {
            var e = Assert.ThrowsExactly<ArgumentException>(
                () => new Magnitude { Masks = masks }.Plan(RandomModel.Llama));
            StringAssert.Contains(e.Message, "layers.7.x.weight");
        }

        SafetensorsWriter.Write(path, [new BytesTensor(s_query, new byte[4], [2, 2], TensorType.U8)]);
        using MaskFile other = MaskFile.Open(path);
        var shape = Assert.ThrowsExactly<ModelFormatException>(
            () => new Magnitude { Masks = other }.Plan(RandomModel.Llama));
        StringAssert.Contains(shape.Message, s_query);
    }

    private static Dictionary<string, bool[]> Keep(LanguageModel model)
    {
        var random = new Random(1);
        return new[] { s_query, s_down }.ToDictionary(name => name, name =>
            (bool[])[.. Enumerable.Range(0, (int)model.Weights[name].ElementCount).Select(_ => random.Next(3) > 0)]);
    }

    private static MaskFile Write(
        TestFolder folder, LanguageModel model, Dictionary<string, bool[]> keep, TensorType type, string prefix)
    {
        string path = Path.Combine(folder.Path, "masks.safetensors");
        SafetensorsWriter.Write(path, [.. keep.Select(k => new BytesTensor(
            prefix + k.Key, k.Value.Select(b => b ? (byte)1 : (byte)0).ToArray(), model.Weights[k.Key].Shape, type))]);
        return MaskFile.Open(path);
    }
}
