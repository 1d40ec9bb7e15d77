using System.Text.Json.Nodes;
using ML.Pruning.Models;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Tool;

/// <summary>The tool on a classifier: pruned on its texts, recovered on texts with labels, its accuracy
/// measured.</summary>
[TestClass]
public sealed class ToolEncoderTests
{
    [TestMethod]
    public void PruneRecoverEval_Classifier_LearnsItsLabelsAndKeepsItsZeros()
    {
        using var folder = new TestFolder();
        using var encoder = new TinyEncoder();
        string data = TinyEncoder.WriteLabeled(folder["texts.tsv"], 300);
        string pruned = folder["pruned"], recovered = folder["recovered.zip"];
        ToolProcess.Run("prune", encoder.Folder, "--output", pruned, "--method", "wanda", "--calibration", data,
            "--calibration-samples", "8", "--sequence-length", "16", "--json").Json();
        JsonObject report = ToolProcess.Run("recover", pruned, "--method", "sparse", "--train", data, "--steps", "150",
            "--batch-size", "16", "--learning-rate", "3e-3", "--output", recovered, "--json").Json();
        Assert.AreEqual(0.5, (double)report["sparsity"]!, 1e-9);
        JsonObject result = ToolProcess.Run("eval", recovered, "--data", data, "--engine", "torch", "--json").Json();
        Assert.IsGreaterThan(0.9, (double)result["accuracy"]!);
        Assert.AreEqual(300, (int)result["texts"]!);
        Assert.AreEqual("torch", (string)result["engine"]!);
        JsonObject inspected = ToolProcess.Run("inspect", recovered, "--json").Json();
        using LanguageModel model = TinyEncoder.Create();
        Assert.AreEqual(model.Spec.ParameterCount, (long)inspected["parameters"]!);
        ToolProcess.Run("generate", recovered, "--prompt", "good").ExpectRefusal("is an encoder");
    }
}
