using Microsoft.ML;
using ML.Pruning.Inference;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Transforms;

/// <summary>A saved sparse model runs on ONNX Runtime alone: libtorch is never loaded.</summary>
[TestClass]
public sealed class DefaultEngineTests
{
    [TestMethod]
    public void Load_InAFreshProcess_ScoresAndGeneratesWithoutTorch()
    {
        var ml = new MLContext(seed: 1);
        using var tiny = new TinyModel(TinyModel.Spec with { Layers = [RandomModel.Layer(4, 2, 4, 2048)] });
        using var folder = new TestFolder();
        IDataView data = StageConformance.Data(ml, TinyModel.Texts);
        var pipeline = ml.Transforms.LoadLlm("Model", tiny.Folder)
            .Append(ml.Transforms.PruneLlm("Model", "Text", new Magnitude { Sparsity = 0.8 }))
            .Append(ml.Transforms.ScoreLlm())
            .Append(ml.Transforms.GenerateText("Continued", generation: new GenerationOptions { MaxNewTokens = 3 }));
        using (var fitted = pipeline.Fit(data)) ml.Model.Save(fitted, data.Schema, folder["model.zip"]);

        var rows = FreshProcess.Transform(folder["model.zip"], ["One text.", "Two"], folder["modules"]);
        Assert.AreNotEqual("0", rows[1]["LogLikelihood"]);
        StringAssert.StartsWith(rows[1]["Continued"], "Two");
        string[] modules = File.ReadAllLines(folder["modules"]);
        Assert.IsTrue(modules.Any(m => m.Contains("onnxruntime", StringComparison.OrdinalIgnoreCase)));
        if (SparseOperator.Library is not null)
            Assert.IsTrue(modules.Any(m => m.Contains("mlpruning", StringComparison.OrdinalIgnoreCase)));
        // ML.NET looks at all types of an assembly that it loads a stage from, and so loads the managed TorchSharp.dll.
        string[] torch = [.. modules.Where(m => m.Contains("torch", StringComparison.OrdinalIgnoreCase))
            .Where(m => m is not ("TorchSharp" or "TorchSharp.dll"))];
        Assert.IsEmpty(torch, string.Join(", ", torch));
    }
}
