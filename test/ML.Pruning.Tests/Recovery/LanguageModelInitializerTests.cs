using System.Text;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Recovery;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Recovery;

/// <summary>Random weights have the distributions that the initializer promises.</summary>
[TestClass]
public class LanguageModelInitializerTests
{
    private const string Config = """
        { "model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
          "num_attention_heads": 4, "vocab_size": 300, "bos_token_id": 1, "eos_token_id": 2 }
        """;

    [TestMethod]
    public void Create_Matrices_HaveTheirDeviationAndGainsAreOne()
    {
        using LanguageModel model = LanguageModelInitializer.Create(Config, seed: 1);
        foreach (ParameterSpec parameter in model.Spec.Parameters())
        {
            float[] values = model.Weights[parameter.Name].ToArray();
            if (parameter.Role == ParameterRole.Norm)
            {
                Assert.IsTrue(values.All(v => v == 1), parameter.Name);
                continue;
            }

            // Two layers: residual projections have half the deviation. Five standard errors of n normal values.
            double expected = parameter.Part is TensorNames.Output or TensorNames.Down ? 0.01 : 0.02;
            double deviation = Math.Sqrt(values.Average(v => (double)v * v));
            double error = 5 / Math.Sqrt(2.0 * values.Length);
            Assert.AreEqual(1, deviation / expected, error, parameter.Name);
            Assert.AreEqual(0, values.Average(v => (double)v) / expected, 5 / Math.Sqrt(values.Length), parameter.Name);
        }
    }

    [TestMethod]
    public void Create_SameSeed_GivesTheSameWeightsAndAnotherSeedOthers()
    {
        string[] hashes = [.. new[] { 1, 1, 2 }.Select(seed =>
        {
            using LanguageModel model = LanguageModelInitializer.Create(Config, seed, TensorType.BF16);
            return model.ContentHash;
        })];
        Assert.AreEqual(hashes[0], hashes[1]);
        Assert.AreNotEqual(hashes[0], hashes[2]);
    }

    [TestMethod]
    public void Create_TokenizerFiles_TravelAlong()
    {
        var files = new Dictionary<string, byte[]>
        {
            ["tokenizer.json"] = Encoding.UTF8.GetBytes(TinyModel.ByteTokenizer()),
        };
        using LanguageModel model = LanguageModelInitializer.Create(Config, seed: 1, TensorType.F32, files);
        CollectionAssert.AreEqual(new[] { 3 + 'h', 3 + 'i' }, model.RequireTokenizer().EncodeData("hi").ToArray());
        Assert.IsTrue(model.SideFiles.ContainsKey("tokenizer.json"));
        Assert.AreEqual("initialize", model.Provenance[0].Stage);
    }

    [TestMethod]
    public void Create_VocabularySmallerThanTheTokenizer_IsRefused()
    {
        var files = new Dictionary<string, byte[]>
        {
            ["tokenizer.json"] = Encoding.UTF8.GetBytes(TinyModel.ByteTokenizer()),
        };
        Assert.ThrowsExactly<ModelFormatException>(
            () => LanguageModelInitializer.Create(TinyTraining.Config, seed: 1, TensorType.F32, files));
    }

    [TestMethod]
    [DataRow("bert")]
    [DataRow("bert, masked")]
    [DataRow("roberta")]
    [DataRow("distilbert")]
    public void AddClassifier_EachFamily_KeepsTheBodyAndIsSavedWithItsLabels(string family)
    {
        string config = FamilyConfigs.Encoders[family]
            .Replace("BertForSequenceClassification", "BertModel", StringComparison.Ordinal);
        using var folder = new TestFolder();
        using LanguageModel body = LanguageModelInitializer.Create(config, seed: 1);
        using (LanguageModel classifier = LanguageModelInitializer.AddClassifier(body, ["no", "maybe", "yes"], seed: 2))
            HuggingFaceModel.Save(classifier, folder["saved"]);
        using LanguageModel saved = HuggingFaceModel.Open(folder["saved"]);
        CollectionAssert.AreEqual(new[] { "no", "maybe", "yes" }, saved.Spec.Encoder!.Labels.ToArray());
        string[] added = [.. saved.Weights.Keys.Where(name => !body.Weights.ContainsKey(name)).Order()];
        bool hadPooler = body.Spec.Encoder!.Pooler is not null;
        CollectionAssert.AreEqual((string[])["classifier.bias", "classifier.weight",
            .. hadPooler ? Array.Empty<string>() : ["pooler.bias", "pooler.weight"]], added);
        foreach ((string name, StoredTensor tensor) in saved.Weights)
        {
            float[] values = tensor.ToArray();
            if (body.Weights.TryGetValue(name, out StoredTensor? before))
                CollectionAssert.AreEqual(before.ToArray(), values, name);
            else Assert.AreEqual(name.EndsWith("bias", StringComparison.Ordinal) ? 0 : 0.02,
                Math.Sqrt(values.Average(v => (double)v * v)), 0.006, name);
        }
    }

    [TestMethod]
    public void Labels_NumbersAndNames_AreOrdered()
    {
        CollectionAssert.AreEqual(new[] { "2", "9", "10" }, Labels("10", "2", "9", "2"));
        CollectionAssert.AreEqual(new[] { "10", "2", "no" }, Labels("no", "2", "10"));

        static string[] Labels(params string[] labels) =>
            [.. LabeledText.Labels(labels.Select(label => new LabeledText("text", label)))];
    }
}
