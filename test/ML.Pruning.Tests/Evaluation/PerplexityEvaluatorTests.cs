using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Kernels;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Evaluation;

/// <summary>Golden: perplexities made with PyTorch in float32 on the models and texts beside the repository.</summary>
[TestClass]
public sealed class PerplexityEvaluatorTests
{
    [TestMethod]
    [DataRow("stories260K", "stories.valid.jsonl", 2.8808, 56_738L, 221)]
    [DataRow("docs-6m", "docs.valid.jsonl", 47.19, 102_539L, 400)]
    public void Evaluate_SharedModel_IsTheGolden(string name, string data, double perplexity, long tokens, int windows)
    {
        using LanguageModel model = SharedModels.Open(name);
        PerplexityResult result = PerplexityEvaluator.Evaluate(
            model, TextCorpus.Read(SharedFiles.Data(data)), 256, EngineKind.Torch);
        Assert.AreEqual(perplexity, result.Perplexity, 1e-3 * perplexity);
        Assert.AreEqual(Math.Log(result.Perplexity), result.MeanNegativeLogLikelihood, 1e-12);
        Assert.AreEqual(tokens, result.Tokens);
        Assert.AreEqual(windows, result.Windows);
    }

    [TestMethod]
    public void Evaluate_SparseModelOnTheKernels_AgreesWithTorchOnTextKeptApart()
    {
        if (SparseOperator.Library is null) Assert.Inconclusive("There are no native kernels.");
        using LanguageModel model = SharedModels.Open("docs-6m");
        using LanguageModel pruned = Pruner.Prune(model, new Magnitude { Sparsity = 0.5 }).Model;
        string[] text = [.. TextCorpus.Read(SharedFiles.Data("docs.valid.jsonl")).Take(4)];
        using var folder = new TestFolder();
        OnnxModel.Export(pruned, folder["out"], new OnnxExportOptions { SparseKernels = PackedType.Float32 });

        double torch = PerplexityEvaluator.Evaluate(pruned, text, 256, EngineKind.Torch).Perplexity;
        PerplexityResult chosen = PerplexityEvaluator.Evaluate(pruned, text, 256, EngineKind.Onnx);
        PerplexityResult packed = PerplexityEvaluator.EvaluateExport(folder["out"], pruned, text, 256);

        Assert.IsGreaterThan(4, packed.Windows);
        Assert.AreEqual(torch, chosen.Perplexity, 1e-3 * torch);
        Assert.AreEqual(torch, packed.Perplexity, 1e-3 * torch);
    }

    [TestMethod]
    [TestCategory("Slow")]
    public void Evaluate_StoriesModelOnWikiText_IsTheGolden() => Evaluate_SharedModel_IsTheGolden(
        "stories260K", "wikitext2.valid.txt", 214.6265, 705_243, 2_754);

    [TestMethod]
    public void Evaluate_Windows_AreScoredApartAndTheLastPartialOneIsDropped()
    {
        ModelSpec spec = RandomModel.Llama;
        using LanguageModel model = RandomModel.Create(spec);
        const int length = 7;
        int[] tokens = RandomModel.Tokens(spec, 40 * length + 3);
        double sum = 0;
        for (int start = 0; start + length <= tokens.Length; start += length)
        {
            double[][] logits = new Float64Decoder(model).Logits(tokens.AsSpan(start, length));
            for (int t = 0; t < length - 1; t++)
                sum -= logits[t][tokens[start + t + 1]] - Math.Log(logits[t].Sum(Math.Exp));
        }

        var reported = new Progress();
        PerplexityResult result = PerplexityEvaluator.Evaluate(
            model, TokenWindows.FromTokens(tokens, length), progress: reported);
        Assert.AreEqual(sum / (40 * 6), result.MeanNegativeLogLikelihood, 1e-5);
        Assert.AreEqual(40, result.Windows);
        Assert.AreEqual(283, result.Tokens);
        CollectionAssert.AreEqual(new[] { 0.4, 0.8, 1.0 }, reported.Values);
    }

    [TestMethod]
    public void ToJson_HasTheKeysOfTheContract()
    {
        JsonObject json = new PerplexityResult(2.5, 0.9, 100, 3, 32, "torch").ToJson();
        Assert.AreEqual("{\"perplexity\":2.5,\"meanNegativeLogLikelihood\":0.9,\"tokens\":100,\"windows\":3,"
            + "\"sequenceLength\":32,\"engine\":\"torch\"}", json.ToJsonString());
    }

    [TestMethod]
    public void Evaluate_LengthOutOfRangeOrTextTooShort_Throws()
    {
        using LanguageModel model = SharedModels.Open("stories260K");
        foreach (int length in new[] { 1, 513, -4 })
        {
            StringAssert.Contains(Assert.Throws<ArgumentException>(
                () => PerplexityEvaluator.Evaluate(model, ["Once upon a time"], length)).Message, "context of 512");
        }

        StringAssert.Contains(Assert.Throws<ArgumentException>(
            () => PerplexityEvaluator.Evaluate(model, ["Once upon a time"], 32)).Message, "5 tokens");
    }

    [TestMethod]
    public void Evaluate_Cancelled_Stops()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        TokenWindows windows = TokenWindows.FromTokens(RandomModel.Tokens(model.Spec, 100), 10);
        Assert.Throws<OperationCanceledException>(
            () => PerplexityEvaluator.Evaluate(model, windows, cancellationToken: new CancellationToken(true)));
    }

    private sealed class Progress : IProgress<double>
    {
        public List<double> Values { get; } = [];

        public void Report(double value) => Values.Add(value);
    }
}
