using Microsoft.ML.OnnxRuntime;
using ML.Pruning.Checkpoints;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Kernels;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Inference.Onnx;

/// <summary>Exports with the operator <c>mlpruning.SparseMatMul</c>: the torch engine is the oracle, close in float32,
/// in narrower types within their rounding.</summary>
[TestClass]
public sealed class SparseExportTests
{
    private static readonly ModelSpec s_spec = RandomModel.Llama with
    {
        HiddenSize = 72,
        QueryKeyValueBias = true,
        Layers = [RandomModel.Layer(4, 2, 16, 200), RandomModel.Layer(3, 3, 24, 136)],
    };

    [TestInitialize]
    public void RequireLibrary()
    {
        if (SparseOperator.Library is null)
            Assert.Inconclusive("The native kernels were not built here, or not with the ONNX Runtime operator.");
    }

    // Relative to the largest logit: float32 rounding; 2^-9 a weight; 1/254 a weight and an activation; 1/14 a weight.
    [TestMethod]
    [DataRow(PackedType.Float32, 1e-5)]
    [DataRow(PackedType.BFloat16, 2e-2)]
    [DataRow(PackedType.Int8, 1e-1)]
    [DataRow(PackedType.Int4, 0.7)]
    public void Export_SparseModel_AgreesWithTorch(PackedType type, double tolerance)
    {
        using LanguageModel model = Sparse(0.7);
        using var folder = new TestFolder();
        using var torch = new TorchEngine(model);
        int[] tokens = RandomModel.Tokens(s_spec, 2 * 40), first = tokens[..40];
        int[] pieces = [1, 1, 9, 1, 28];
        foreach (string name in (string[])["a.onnx", "b"])
        {
            OnnxModel.Export(model, folder[name], new OnnxExportOptions { SparseKernels = type });
            using var onnx = new OnnxEngine(folder[name]);
            double batch = Logits.Difference(
                Logits.Of(torch, s_spec, tokens, 2), Logits.Of(onnx, s_spec, tokens, 2));
            double decoded = Logits.Difference(
                Logits.Decoded(torch, s_spec, first, pieces), Logits.Decoded(onnx, s_spec, first, pieces));
            Assert.IsLessThan(tolerance, batch, $"{name}, batch");
            Assert.IsLessThan(tolerance, decoded, $"{name}, decoding");
            if (type != PackedType.Float32) Assert.AreNotEqual(0, batch, "The narrow type must show.");
        }
    }

    [TestMethod]
    [DataRow(PackedType.Float32, false, 1e-5)]
    [DataRow(PackedType.Int8, false, 0.02)]
    [DataRow(PackedType.Int8, true, 0.02)]
    public void Export_HeadOnTheKernels_AgreesWithTorch(PackedType type, bool isTied, double tolerance)
    {
        using LanguageModel model = RandomModel.Create(s_spec with { TiedHead = isTied });
        using var folder = new TestFolder();
        OnnxModel.Export(model, folder["a.onnx"], new OnnxExportOptions { HeadKernels = type });
        using var torch = new TorchEngine(model);
        using var onnx = new OnnxEngine(folder["a.onnx"]);
        int[] tokens = RandomModel.Tokens(s_spec, 30);

        double difference = Logits.Difference(Logits.Of(torch, s_spec, tokens), Logits.Of(onnx, s_spec, tokens));

        Assert.IsLessThan(tolerance, difference);
        if (type != PackedType.Float32) Assert.IsGreaterThan(1e-5, difference, "The narrow type must show.");
        Assert.Throws<ArgumentException>(() => OnnxModel.Export(model, folder["b.onnx"],
            new OnnxExportOptions { HeadKernels = type, Operators = OnnxOperators.Standard }));
    }

    [TestMethod]
    public void Export_Float32_PacksOnlyWhatIsSparse()
    {
        using LanguageModel dense = Sparse(0), sparse = Sparse(0.6);
        using var folder = new TestFolder();
        var options = new OnnxExportOptions { SparseKernels = PackedType.Float32 };
        OnnxModel.Export(dense, folder["dense.onnx"], options);
        OnnxModel.Export(sparse, folder["sparse.onnx"], options);

        // Without the operator's library plain ONNX Runtime runs the first and refuses the second.
        using (new InferenceSession(folder["dense.onnx"]))
        {
        }

        Assert.Throws<OnnxRuntimeException>(() => new InferenceSession(folder["sparse.onnx"]));
        Assert.IsLessThan(
            0.75 * new FileInfo(folder["dense.onnx"]).Length, new FileInfo(folder["sparse.onnx"]).Length);
    }

    [TestMethod]
    public void Open_DamagedWeight_IsRefused()
    {
        using LanguageModel model = Sparse(0.7);
        using var folder = new TestFolder();
        OnnxModel.Export(model, folder["out"], new OnnxExportOptions { SparseKernels = PackedType.Float32 });
        string data = Path.Combine(folder["out"], OnnxModel.DataFileName);
        byte[] bytes = File.ReadAllBytes(data);
        int header = bytes.AsSpan().IndexOf("PT16"u8);
        Assert.AreEqual(0, header % 4096);
        bytes[header + 10]++;
        bytes[header + 70]++;
        File.WriteAllBytes(data, bytes);

        Assert.Throws<ModelFormatException>(() => new OnnxEngine(folder["out"]));
    }

    [TestMethod]
    public void Export_OptionsThatDoNotGoTogether_AreRefused()
    {
        using LanguageModel model = Sparse(0.7);
        using var folder = new TestFolder();
        var options = new OnnxExportOptions { SparseKernels = PackedType.Float32 };
        Assert.Throws<ArgumentException>(() => OnnxModel.Export(
            model, folder["a.onnx"], options with { Operators = OnnxOperators.Standard }));
        Assert.Throws<ArgumentException>(() => OnnxModel.Export(
            model, folder["a.onnx"], options with { MinimumSparsity = 2 }));
        Assert.IsEmpty(folder.Names);
    }

    /// <summary>The model with this fraction of each linear map's weights zero, at random places.</summary>
    private static LanguageModel Sparse(double sparsity)
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        var random = new Random(5);
        var weights = new Dictionary<string, StoredTensor>(model.Weights);
        foreach (ParameterSpec p in s_spec.Parameters().Where(p => p.Role == ParameterRole.Linear))
        {
            float[] values = weights[p.Name].ToArray();
            for (int i = 0; i < values.Length; i++)
                if (random.NextDouble() < sparsity) values[i] = 0;
            weights[p.Name] = new ArrayTensor(p.Name, values, p.Shape);
        }

        return new LanguageModel(model.ToContent() with { Weights = weights });
    }
}
