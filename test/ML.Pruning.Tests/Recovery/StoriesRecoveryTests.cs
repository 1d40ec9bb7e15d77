using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Pruning;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Recovery;

/// <summary>Sparse fine-tuning wins back what pruning half of a real model's weights costs; goldens of the pruned
/// model.</summary>
[TestClass]
public sealed class StoriesRecoveryTests
{
    private const double DensePerplexity = 2.8808;
    private const double WandaPerplexity = 14.3392;
    private const int WindowLength = 256;

    [TestMethod]
    public void Train_HalfOfStories260K_WinsBackTwoThirdsOfTheLoss()
    {
        using var folder = new TestFolder();
        using LanguageModel dense = SharedModels.Open("stories260K");
        TokenWindows train = Windows(dense, "stories.train.jsonl");
        using LanguageModel pruned = Pruner.PruneWithWindows(
            dense, new Wanda { Sparsity = 0.5 }, train.Take(64), PrunedModels.In(folder)).Model;
        SparseFineTuneResult result = SparseFineTuner.Train(pruned, TrainingExamples.FromWindows(train.Take(400)),
            new SparseFineTuneOptions
            {
                Training = new SparseFineTuneOptions().Training with
                {
                    Steps = 25,
                    LearningRate = 2e-3,
                    WarmupSteps = 2,
                    ValidationExamples = 8,
                    ValidationInterval = 25,
                    TempFolder = folder.Path,
                },
            });
        using LanguageModel trained = result.Model;
        double loss = PerplexityEvaluator.Evaluate(trained, Windows(dense, "stories.valid.jsonl"))
            .MeanNegativeLogLikelihood;
        double lost = Math.Log(WandaPerplexity) - Math.Log(DensePerplexity);
        double back = (Math.Log(WandaPerplexity) - loss) / lost;
        Assert.IsGreaterThan(2.0 / 3, back, $"perplexity {Math.Exp(loss):F4}");
        Assert.IsLessThan(1, back);

        long zeros = 0, count = 0;
        foreach (ParameterSpec linear in PrunedModels.Linears(trained.Spec))
        {
            zeros += trained.Weights[linear.Name].ToArray().Count(w => w == 0);
            count += linear.Count;
        }

        Assert.AreEqual(zeros / (double)count, result.Report.Sparsity);
        Assert.AreEqual(0.5, result.Report.Sparsity, 0.005);
    }

    private static TokenWindows Windows(LanguageModel model, string file) => TokenWindows.Cut(
        SharedFiles.Documents(file), model.RequireTokenizer(), model.Spec.BosTokenId, WindowLength);
}
