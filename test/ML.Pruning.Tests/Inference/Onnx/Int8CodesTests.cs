using ML.Pruning.Checkpoints;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Inference.Onnx;

[TestClass]
public sealed class Int8CodesTests
{
    private static readonly ModelSpec s_spec = RandomModel.Llama with
    {
        HiddenSize = 64,
        Layers = [RandomModel.Layer(4, 2, 16, 96)],
    };

    [TestMethod]
    [DataRow(OnnxOperators.Fused)]
    [DataRow(OnnxOperators.Standard)]
    public void Export_PrunedInt8Model_KeepsCodesAndNumbers(OnnxOperators operators)
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        using LanguageModel pruned = Pruner.Prune(
            model, new Magnitude { Sparsity = 0.6, Quantization = new Int8PerRow() }).Model;
        var options = new OnnxExportOptions { Operators = operators, KeepInt8Codes = true };

        OnnxModel.Export(pruned, folder["codes"], options);
        OnnxModel.Export(pruned, folder["floats"], options with { KeepInt8Codes = false });

        Assert.IsLessThan(0.5 * Bytes("floats"), Bytes("codes"));
        int[] tokens = RandomModel.Tokens(s_spec, 9);
        using var codes = new OnnxEngine(folder["codes"]);
        using var floats = new OnnxEngine(folder["floats"]);
        float[] expected = Logits.Of(floats, s_spec, tokens);
        Assert.IsLessThan(1e-5, Logits.Difference(expected, Logits.Of(codes, s_spec, tokens)));
        if (SparseOperator.Library is null) return;

        IReadOnlyList<SparseOnnxNode> nodes = SparseOnnxModel.Write(Path.Combine(folder["codes"], OnnxModel.FileName),
            folder["sparse"], new SparseOnnxOptions { MinimumSize = 0 });
        Assert.HasCount(7, nodes.Where(node => node.Why == "bitmask int8").ToArray());
        using var sparse = new OnnxEngine(folder["sparse"]);
        Assert.IsLessThan(0.1, Logits.Difference(expected, Logits.Of(sparse, s_spec, tokens)));

        double Bytes(string name) => new FileInfo(Path.Combine(folder[name], OnnxModel.DataFileName)).Length;
    }
}
