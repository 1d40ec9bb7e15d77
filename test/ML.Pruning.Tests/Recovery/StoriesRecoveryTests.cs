using ML.Pruning.Models;
using ML.Pruning.Recovery;
using ML.Pruning.Tests.Pruning;

namespace ML.Pruning.Tests.Recovery;

/// <summary>Sparse fine-tuning wins back what pruning half of a real model's weights costs; goldens of the pruned
/// model.</summary>
[TestClass]
public sealed class StoriesRecoveryTests
{
    [TestMethod]
    public void Train_HalfOfStories260K_WinsBackTwoThirdsOfTheLoss()
    {
        using var stories = new PrunedStories();
        SparseFineTuneResult result = SparseFineTuner.Train(
            stories.Model, TrainingExamples.FromWindows(stories.Windows.Take(400)),
            new SparseFineTuneOptions
            {
                Training = new SparseFineTuneOptions().Training with
                {
                    Steps = 25,
                    LearningRate = 2e-3,
                    WarmupSteps = 2,
                    ValidationExamples = 8,
                    ValidationInterval = 25,
                    TempFolder = stories.Path,
                },
            });
        using LanguageModel trained = result.Model;
        stories.AssertWonBack(2.0 / 3, trained);

        long zeros = 0, count = 0;
        foreach (ParameterSpec linear in PrunedModels.Linears(trained.Spec))
        {
            zeros += trained.Weights[linear.Name].ToArray().Count(w => w == 0);
            count += linear.Count;
        }

        Assert.AreEqual(zeros / (double)count, result.Report.Sparsity);
        Assert.AreEqual(0.5, result.Report.Sparsity, 0.005);
    }
}
