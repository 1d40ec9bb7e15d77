using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Evaluation;
using ML.Pruning.Export;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Samples.EmbeddedModel;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Pruning;

namespace ML.Pruning.Tests.Samples;

/// <summary>Golden numbers of the embedded model, which need no file beside the repository.</summary>
/// <remarks>
/// <para>Protocol: perplexity of 200 stories of the grammar (seed 2) at 256 tokens. Magnitude: int(n/2) lowest of each
/// tensor. Wanda: statistics from the first 64 windows of 256 tokens of 400 stories (seed 1), layer by layer, earlier
/// layers pruned; int(columns/2) lowest of each row. 2:4: the two lowest of each four columns. Stable sorts, embedding
/// left alone.</para>
/// <para>All perplexities and the text were computed once with PyTorch 1.13.1 from the formulas, in float32.</para>
/// </remarks>
[TestClass]
public class EmbeddedModelTests
{
    private const double Tolerance = 5e-4;

    [TestMethod]
    public void Folder_Files_AreALlamaInFloat16OfAtMostTwoMegabytes()
    {
        using LanguageModel model = HuggingFaceModel.Open(EmbeddedModelFiles.Folder);
        Assert.AreEqual(791_680, model.Spec.ParameterCount);
        Assert.AreEqual("llama", model.Spec.Family);
        Assert.IsTrue(model.Weights.Values.All(w => w.Type == TensorType.F16));
        Assert.IsLessThanOrEqualTo(
            2_000_000, Directory.GetFiles(EmbeddedModelFiles.Folder).Sum(file => new FileInfo(file).Length));
        Assert.AreEqual("train", model.Provenance[^1].Stage);
        Assert.AreEqual(TrainEmbeddedModel.DefaultSteps, (int)model.Provenance[^1].Options["steps"]!);
    }

    [TestMethod]
    public void Tokenizer_LearnedAgain_IsTheSame()
    {
        byte[] learned = BytePairLearner.Learn(
            StoryGrammar.Write(TrainEmbeddedModel.TrainingStories, TrainEmbeddedModel.TrainingSeed),
            TrainEmbeddedModel.VocabularySize);
        CollectionAssert.AreEqual(
            File.ReadAllBytes(Path.Combine(EmbeddedModelFiles.Folder, "tokenizer.json")), learned);
    }

    [TestMethod]
    public void Perplexity_OfEvaluationStories_IsTheGoldenOne()
    {
        using LanguageModel model = HuggingFaceModel.Open(EmbeddedModelFiles.Folder);
        PerplexityResult result = PerplexityEvaluator.Evaluate(model, Evaluation(), 256, EngineKind.Torch);
        Assert.AreEqual(30_802, result.Tokens);
        Assert.AreEqual(120, result.Windows);
        Assert.AreEqual(1.35010, result.Perplexity, Tolerance);
    }

    [TestMethod]
    public void Generate_Greedily_WritesTheGoldenStory()
    {
        using LanguageModel model = HuggingFaceModel.Open(EmbeddedModelFiles.Folder);
        GenerationResult story = new TextGenerator(model, new GenerationOptions { MaxNewTokens = 250 })
            .Generate("Once");
        Assert.AreEqual(
            "Once there was a cheerful child named Mina. Mina had a paper crown that looked grand, and she took it "
            + "everywhere. One day Mina went to the garden. The sun was warm. There she met a fox who had five pieces "
            + "of cheese. \"May I play with your paper crown?\" asked the owl. Mina gave her paper crown to the fox, "
            + "and the owl gave her the cheese. They played until the evening. At night Mina told her mother "
            + "about the owl.",
            story.Text);
        Assert.AreEqual(StopReason.EndOfText, story.StopReason);
    }

    [TestMethod]
    [DataRow("unstructured", 1.35587)]
    [DataRow("2:4", 1.44437)]
    public void Magnitude_Half_HasTheGoldenPerplexity(string pattern, double expected) =>
        AssertPruned(new Magnitude { Pattern = SparsityPattern.Parse(pattern) }, expected);

    [TestMethod]
    [DataRow("unstructured", 1.35733)]
    [DataRow("2:4", 1.43648)]
    public void Wanda_Half_HasTheGoldenPerplexity(string pattern, double expected) => AssertPruned(
        new Wanda
        {
            Pattern = SparsityPattern.Parse(pattern),
            Calibration = new CalibrationOptions
            {
                Samples = 64,
                SequenceLength = 256,
                Order = CalibrationOrder.Sequential,
            },
        }, expected);

    private static IEnumerable<string> Evaluation() =>
        StoryGrammar.Write(EmbeddedModelFiles.EvaluationStories, EmbeddedModelFiles.EvaluationSeed);

    private static void AssertPruned(PruningMethod method, double expected)
    {
        using var folder = new TestFolder();
        using LanguageModel model = HuggingFaceModel.Open(EmbeddedModelFiles.Folder);
        IEnumerable<string> calibration =
            StoryGrammar.Write(EmbeddedModelFiles.CalibrationStories, EmbeddedModelFiles.CalibrationSeed);
        PruningResult result = Pruner.Prune(model, method, calibration, PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        Assert.AreEqual(362_496, result.Report.Tensors.Sum(t => t.ZerosAfter));
        double perplexity = PerplexityEvaluator.Evaluate(pruned, Evaluation(), 256, EngineKind.Torch).Perplexity;
        Assert.AreEqual(expected, perplexity, Tolerance * expected);
    }
}
