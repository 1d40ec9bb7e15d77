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

    [TestMethod]
    [DataRow("movement", "--sparsity", "0.5", "--score-learning-rate", "0.01")]
    [DataRow("rigl", "--sparsity", "0.5", "--update-interval", "20")]
    public void Recover_MasksThatMove_LearnsLabelsAndKeepsItsZeros(string method, params string[] options)
    {
        using var folder = new TestFolder();
        using var encoder = new TinyEncoder();
        string output = folder["recovered"];
        JsonObject report = Recover(encoder.Folder, folder, output, ["--method", method, .. options]);
        Assert.AreEqual(0.5, (double)report["sparsity"]!, 0.01);
        ToolFolder.AssertZeros(report, output);
        Assert.IsGreaterThan(0.9, Accuracy(folder, output));
    }

    [TestMethod]
    [DataRow("BertModel")]
    [DataRow("BertForMaskedLM")]
    public void Recover_NewHead_LearnsTheLabelsOfTheTexts(string architecture)
    {
        using var folder = new TestFolder();
        using var encoder = new TinyEncoder(architecture);
        string output = folder["classifier"];
        Recover(encoder.Folder, folder, output,
            ["--method", "movement", "--sparsity", "0.3", "--score-learning-rate", "0.01", "--new-head"]);
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(output, "config.json")))!;
        Assert.AreEqual("BertForSequenceClassification", (string)config["architectures"]![0]!);
        Assert.AreEqual("0", (string)config["id2label"]!["0"]!);
        Assert.AreEqual("positive", (string)config["id2label"]!["1"]!);
        Assert.IsGreaterThan(0.9, Accuracy(folder, output));
    }

    [TestMethod]
    public void Recover_NewHeadThatDoesNotFit_IsRefused()
    {
        using var folder = new ToolFolder();
        using var classifier = new TinyEncoder();
        using var plain = new TinyEncoder("BertModel");
        string data = TinyEncoder.WriteLabeled(folder["texts.tsv"], 20), one = folder["one.tsv"];
        File.WriteAllLines(one, ["sentence\tlabel", "fine\tgood", "great\tgood"]);
        Refuse(classifier.Folder, data, "has a classification head already", "negative, positive");
        Refuse(folder.Model, data, "is a decoder", "bert");
        Refuse(plain.Folder, folder.Text, "--new-head", "text.jsonl", ".tsv");
        Refuse(plain.Folder, one, "good", "at least two");

        void Refuse(string model, string train, params string[] mentioned) => ToolProcess.Run(
            "recover", model, "--output", folder["out"], "--method", "lora", "--train", train, "--new-head")
            .ExpectRefusal(mentioned);
    }

    private static JsonObject Recover(string model, TestFolder folder, string output, string[] options) =>
        ToolProcess.Run(["recover", model, "--train", TinyEncoder.WriteLabeled(folder["texts.tsv"], 300),
            "--steps", "150", "--batch-size", "16", "--learning-rate", "3e-3", "--output", output, "--json",
            .. options]).Json();

    private static double Accuracy(TestFolder folder, string model) => (double)ToolProcess.Run(
        "eval", model, "--data", folder["texts.tsv"], "--engine", "torch", "--json").Json()["accuracy"]!;
}
