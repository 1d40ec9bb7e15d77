using ML.Pruning.Inference;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Kernels;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Inference.Onnx;

[TestClass]
public sealed class KernelSelectionTests
{
    private static readonly ModelSpec s_wide = RandomModel.Llama with
    {
        HiddenSize = 256,
        Layers = [RandomModel.Llama.Layers[0] with { Heads = 4, KeyValueHeads = 4, HeadSize = 64, MlpWidth = 320 }],
    };

    [TestMethod]
    public void Of_FewZeros_StaysDense_UnmeasuredWithTheReason()
    {
        using LanguageModel model = RandomModel.Create(s_wide);
        using LanguageModel pruned = Pruner.Prune(model, new Magnitude { Sparsity = 0.1 }).Model;

        KernelSelection selection = KernelSelection.Of(pruned);

        Assert.HasCount(7, selection.Layers);
        Assert.IsEmpty(selection.Formats);
        foreach (LayerKernel layer in selection.Layers)
        {
            Assert.AreEqual("dense", layer.Kernel);
            Assert.IsNull(layer.DenseMicroseconds);
            Assert.Contains("below", layer.Why);
        }
    }

    [TestMethod]
    public void Of_ManyZeros_TakesTheFasterOne_AndTheEngineGivesTheSame()
    {
        if (SparseOperator.Library is null) Assert.Inconclusive("There are no native kernels.");
        using LanguageModel model = RandomModel.Create(s_wide);
        using LanguageModel pruned = Pruner.Prune(model, new Magnitude { Sparsity = 0.97 }).Model;

        KernelSelection selection = KernelSelection.Of(pruned);

        foreach (LayerKernel layer in selection.Layers)
        {
            Assert.IsNotNull(layer.DenseMicroseconds);
            Assert.IsNotNull(layer.KernelMicroseconds);
            bool isFaster = layer.KernelMicroseconds < layer.DenseMicroseconds;
            Assert.AreEqual(isFaster, selection.Formats.ContainsKey(layer.Name), layer.Why);
            Assert.AreEqual(isFaster, layer.Kernel != "dense", layer.Why);
        }

        using var engine = new OnnxEngine(pruned);
        using var dense = new OnnxEngine(pruned, sparse: false);
        int[] tokens = RandomModel.Tokens(s_wide, 9, seed: 1);
        Assert.IsLessThan(1e-5, Logits.Difference(Logits.Of(dense, s_wide, tokens), Logits.Of(engine, s_wide, tokens)));
    }

    [TestMethod]
    public void Of_SameModelAgain_RemembersWhatWasMeasured()
    {
        if (SparseOperator.Library is null) Assert.Inconclusive("There are no native kernels.");
        using var folder = new TestFolder();
        var cache = new KernelCache(folder["cache"]);
        using LanguageModel first = Pruned(seed: 1), same = Pruned(seed: 1), other = Pruned(seed: 2);

        KernelSelection measured = KernelSelection.Of(first, cache), remembered = KernelSelection.Of(same, cache),
            ofOther = KernelSelection.Of(other, cache);

        Assert.IsFalse(measured.IsRemembered);
        Assert.IsTrue(remembered.IsRemembered);
        CollectionAssert.AreEqual(measured.Layers.ToArray(), remembered.Layers.ToArray());
        CollectionAssert.AreEquivalent(measured.Formats.ToArray(), remembered.Formats.ToArray());
        Assert.IsFalse(ofOther.IsRemembered, "Other weights are measured anew.");
        Assert.HasCount(2, Directory.GetFiles(folder["cache"]));
        Assert.IsFalse(KernelSelection.Of(same, new KernelCache(null)).IsRemembered);
    }

    [TestMethod]
    [DataRow(" cores", " horses", "another machine")]
    [DataRow("\"format\": 1", "\"format\": 2", "another version")]
    [DataRow("mlp.up_proj", "mlp.down_proj", "another model")]
    [DataRow("\"layers\"", "layers", "damage")]
    public void Of_RememberedElsewhere_MeasuresAgain(string old, string changed, string what)
    {
        if (SparseOperator.Library is null) Assert.Inconclusive("There are no native kernels.");
        using var folder = new TestFolder();
        var cache = new KernelCache(folder["cache"]);
        using LanguageModel model = Pruned(seed: 1);
        string path = cache.PathOf(model)!;
        KernelSelection.Of(model, cache);
        string text = File.ReadAllText(path);
        Assert.Contains(old, text);
        Assert.Contains(KernelLibrary.Target.ToString().ToLowerInvariant(), Path.GetFileName(path));
        File.WriteAllText(path, text.Replace(old, changed, StringComparison.Ordinal));

        Assert.IsFalse(KernelSelection.Of(model, cache).IsRemembered, what);
        Assert.IsTrue(KernelSelection.Of(model, cache).IsRemembered, "It was written again.");
    }

    // Its first matrix is dense and tells nothing, but the others are remembered.
    [TestMethod]
    public void Of_FirstMatrixDense_RemembersTheOthers()
    {
        if (SparseOperator.Library is null) Assert.Inconclusive("There are no native kernels.");
        using var folder = new TestFolder();
        var cache = new KernelCache(folder["cache"]);
        using LanguageModel model = RandomModel.Create(s_wide);
        using LanguageModel pruned = Pruner.Prune(model, new Magnitude
        {
            Sparsity = 0.97,
            ExcludeTensors = [model.Spec.Linears(0).First().WeightName],
        }).Model;

        KernelSelection measured = KernelSelection.Of(pruned, cache), remembered = KernelSelection.Of(pruned, cache);

        Assert.Contains("below", measured.Layers[0].Why);
        Assert.IsTrue(remembered.IsRemembered);
        CollectionAssert.AreEqual(measured.Layers.ToArray(), remembered.Layers.ToArray());
    }

    private static LanguageModel Pruned(int seed)
    {
        using LanguageModel model = RandomModel.Create(s_wide, seed);
        return Pruner.Prune(model, new Magnitude { Sparsity = 0.97 }).Model;
    }
}
