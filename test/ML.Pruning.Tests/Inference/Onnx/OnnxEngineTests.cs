using Microsoft.VisualStudio.TestTools.UnitTesting;
using ML.Pruning.Evaluation;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Models.Families;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Inference.Onnx;

/// <summary>The exported graph in ONNX Runtime against the torch engine, which the float64 decoders of other tests
/// hold to the definitions: prompts, batches, and decoding token by token and in chunks.</summary>
[TestClass]
public sealed class OnnxEngineTests
{
    private const double Tolerance = 1e-5;

    private static readonly ModelSpec s_wide = RandomModel.Llama with
    {
        HiddenSize = 32,
        Layers = [RandomModel.Layer(4, 2, 8, 24), RandomModel.Layer(2, 1, 16, 40), RandomModel.Layer(3, 3, 6, 8)],
    };

    /// <summary>Small models that between them use every part that the exporter knows.</summary>
    public static IEnumerable<object[]> Specs()
    {
        yield return ["llama, heads of 4", RandomModel.Llama];
        yield return ["fused, fused with rotary, standard", s_wide];
        yield return ["window", s_wide with { Family = "mistral", SlidingWindow = 5 }];
        yield return ["window of 1", s_wide with { Family = "mistral", SlidingWindow = 1 }];
        yield return ["window as wide as the context", s_wide with { Family = "mistral", SlidingWindow = 64 }];
        yield return
        [
            "qwen2, tied, scaled",
            s_wide with
            {
                Family = "qwen2",
                QueryKeyValueBias = true,
                TiedHead = true,
                RopeScaling = new RopeScaling { Kind = RopeScalingKind.Llama3, Factor = 8, OriginalContextLength = 32 },
            },
        ];
        yield return
            ["linear scaling", s_wide with { RopeScaling = new() { Kind = RopeScalingKind.Linear, Factor = 2 } }];
        yield return ["gpt2", Gpt2];
        yield return ["opt", Gpt2 with { Family = "opt", PositionOffset = 2, Activation = ActivationKind.Relu }];
        yield return ["gelu", Gpt2 with { Activation = ActivationKind.Gelu, NormEpsilon = 1e-3 }];
        yield return
        [
            "added biases", s_wide.WithAddedBiases(0, [TensorNames.Output, TensorNames.Down])
                .WithAddedBiases(1, [TensorNames.Query, TensorNames.Gate]),
        ];
    }

    /// <summary>Every family, a new one too, in every variant that its own tests have.</summary>
    public static IEnumerable<object[]> Families => FamilyConfigs.Names;

    private static ModelSpec Gpt2 { get; } = RandomModel.Llama with
    {
        Family = "gpt2",
        Norm = NormKind.LayerNorm,
        Positions = PositionKind.Learned,
        Activation = ActivationKind.GeluTanh,
        GatedMlp = false,
        QueryKeyValueBias = true,
        OutputBias = true,
        MlpBias = true,
        TiedHead = true,
        Layers = [RandomModel.Layer(2, 2, 8, 24), RandomModel.Layer(4, 4, 4, 24)],
    };

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void Logits_OfEveryFamily_EqualTorch(string name)
    {
        using LanguageModel model = FamilyConfigs.Create(name);
        AssertAgreement(name, model);
    }

    [TestMethod]
    [DynamicData(nameof(Specs))]
    public void Logits_OfEveryKindOfModel_EqualTorch(string name, ModelSpec spec)
    {
        using LanguageModel model = RandomModel.Create(spec);
        AssertAgreement(name, model);
    }

    [TestMethod]
    [DataRow("stories260K", "stories.valid.jsonl")]
    [DataRow("docs-6m", "docs.valid.jsonl")]
    public void Perplexity_OfSharedModel_IsThatOfTorch(string name, string data)
    {
        using LanguageModel model = SharedModels.Open(name);
        string[] documents = [.. SharedFiles.Documents(data).Take(12)];
        double torch = PerplexityEvaluator.Evaluate(model, documents, 256, EngineKind.Torch).Perplexity;
        PerplexityResult onnx = PerplexityEvaluator.Evaluate(model, documents, 256, EngineKind.Onnx);
        Assert.AreEqual("onnx", onnx.Engine);
        Assert.AreEqual(torch, onnx.Perplexity, 1e-5 * torch);
    }

    [TestMethod]
    public void Generate_Greedy_IsTheTextOfTorch()
    {
        using LanguageModel model = SharedModels.Open("stories260K");
        var options = new GenerationOptions { MaxNewTokens = 400 };
        string onnx = new TextGenerator(model, options with { Engine = EngineKind.Onnx }).Generate("").Text;
        Assert.AreEqual(new TextGenerator(model, options with { Engine = EngineKind.Torch }).Generate("").Text, onnx);
    }

    [TestMethod]
    public void NextTokenLogProbabilities_SequenceLongerThanARun_EqualTorch()
    {
        ModelSpec spec = s_wide with { ContextLength = 1500 };
        using LanguageModel model = RandomModel.Create(spec);
        using var torch = new TorchEngine(model);
        using var onnx = new OnnxEngine(model);
        int[] tokens = RandomModel.Tokens(spec, 2 * 1400);
        double[] expected = new double[2 * 1399], actual = new double[2 * 1399];
        torch.NextTokenLogProbabilities(tokens, 2, expected);
        onnx.NextTokenLogProbabilities(tokens, 2, actual);

        double largest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], actual[i], Tolerance * largest);
        Assert.IsLessThan(Tolerance, Logits.Difference(
            Logits.Of(torch, spec, tokens, 2), Logits.Of(onnx, spec, tokens, 2)));
    }

    [TestMethod]
    public void Append_TokensThatDoNotFit_AreRefused()
    {
        using LanguageModel model = RandomModel.Create(s_wide);
        using var onnx = new OnnxEngine(model);
        using IDecodingSession session = onnx.StartDecoding();
        var logits = new float[s_wide.VocabularySize];

        Assert.Throws<ArgumentException>(() => session.Append([], logits));
        Assert.Throws<ArgumentException>(() => session.Append([40], logits));
        Assert.Throws<ArgumentException>(() => session.Append(new int[65], logits));
        Assert.Throws<ArgumentException>(() => session.Append([1], logits.AsSpan(1)));
        session.Append(new int[64], logits);
        Assert.AreEqual(64, session.Length);
        Assert.Throws<ArgumentException>(() => session.Append([1], logits));
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() => session.Append([1], logits));
    }

    [TestMethod]
    public void Constructor_OfFileThatIsNoExportedDecoder_SaysSo()
    {
        using var folder = new TestFolder();
        string path = folder.Write("broken.onnx", [1, 2, 3]);
        StringAssert.Contains(Assert.Throws<ModelFormatException>(() => new OnnxEngine(path)).Message, path);
    }

    private static void AssertAgreement(string name, LanguageModel model)
    {
        ModelSpec spec = model.Spec;
        using var torch = new TorchEngine(model);
        int[] tokens = RandomModel.Tokens(spec, 3 * 21);
        int[] ones = [.. Enumerable.Repeat(1, 21)], pieces = [7, 1, 5, 1, 7];
        float[] expected = Logits.Of(torch, spec, tokens, batch: 3);
        float[] expectedOfOnes = Logits.Decoded(torch, spec, tokens, ones);
        float[] expectedOfPieces = Logits.Decoded(torch, spec, tokens, pieces);
        using var folder = new TestFolder();
        foreach (OnnxOperators operators in Enum.GetValues<OnnxOperators>())
        {
            string path = folder[$"{operators}.onnx"];
            OnnxModel.Export(model, path, new OnnxExportOptions { Operators = operators });
            using var onnx = new OnnxEngine(path);
            Check("batch", expected, Logits.Of(onnx, spec, tokens, batch: 3));
            Check("token by token", expectedOfOnes, Logits.Decoded(onnx, spec, tokens, ones));
            Check("chunks", expectedOfPieces, Logits.Decoded(onnx, spec, tokens, pieces));

            void Check(string what, float[] wanted, float[] found)
            {
                double difference = Logits.Difference(wanted, found);
                Assert.IsLessThan(Tolerance, difference, $"{name}, {operators}, {what}");
            }
        }
    }
}
