using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Pruning;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Recovery;

/// <summary>LoRA wins back what pruning half of a real model's weights costs; goldens of the pruned model. A run much
/// shorter than the default, which wins back nine tenths.</summary>
[TestClass]
public sealed class StoriesLoraTests
{
    private const double DensePerplexity = 2.8808;
    private const double WandaPerplexity = 14.3392;
    private const int WindowLength = 256;

    [TestMethod]
    public void Train_HalfOfStories260K_WinsBackHalfOfTheLoss()
    {
        using var folder = new TestFolder();
        using LanguageModel dense = SharedModels.Open("stories260K");
        TokenWindows train = Windows(dense, "stories.train.jsonl");
        using LanguageModel pruned = Pruner.PruneWithWindows(
            dense, new Wanda { Sparsity = 0.5 }, train.Take(64), PrunedModels.In(folder)).Model;
        var options = new LoraOptions();
        TrainingResult result = LoraTrainer.Train(pruned, TrainingExamples.FromWindows(train.Take(128)), options with
        {
            Training = options.Training with
            {
                Steps = 30,
                BatchSize = 4,
                LearningRate = 1e-2,
                WarmupSteps = 3,
                ValidationExamples = 8,
                ValidationInterval = 30,
                TempFolder = folder.Path,
            },
        });
        using LanguageModel trained = result.Model;
        double loss = PerplexityEvaluator.Evaluate(trained, Windows(dense, "stories.valid.jsonl"))
            .MeanNegativeLogLikelihood;
        double lost = Math.Log(WandaPerplexity) - Math.Log(DensePerplexity);
        double back = (Math.Log(WandaPerplexity) - loss) / lost;
        Assert.IsGreaterThan(0.5, back, $"perplexity {Math.Exp(loss):F4}");
        Assert.IsLessThan(1, back);
        foreach (ParameterSpec linear in PrunedModels.Linears(trained.Spec))
        {
            CollectionAssert.AreEqual(pruned.Weights[linear.Name].ToArray().Select(w => w == 0).ToArray(),
                trained.Weights[linear.Name].ToArray().Select(w => w == 0).ToArray(), linear.Name);
        }
    }

    private static TokenWindows Windows(LanguageModel model, string file) => TokenWindows.Cut(
        SharedFiles.Documents(file), model.RequireTokenizer(), model.Spec.BosTokenId, WindowLength);
}
