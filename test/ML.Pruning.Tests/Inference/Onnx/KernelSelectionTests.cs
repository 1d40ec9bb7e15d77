using ML.Pruning.Inference;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Kernels;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
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
}
