using ML.Pruning.Models;
using ML.Pruning.Recovery;
using ML.Pruning.Tests.Pruning;

namespace ML.Pruning.Tests.Recovery;

/// <summary>LoRA wins back what pruning half of a real model's weights costs; goldens of the pruned model. A run much
/// shorter than the default, which wins back nine tenths.</summary>
[TestClass]
public sealed class StoriesLoraTests
{
    [TestMethod]
    public void Train_HalfOfStories260K_WinsBackHalfOfTheLoss()
    {
        using var stories = new PrunedStories();
        var options = new LoraOptions();
        TrainingExamples examples = TrainingExamples.FromWindows(stories.Windows.Take(128));
        TrainingResult result = LoraTrainer.Train(stories.Model, examples, options with
        {
            Training = options.Training with
            {
                Steps = 30,
                BatchSize = 4,
                LearningRate = 1e-2,
                WarmupSteps = 3,
                ValidationExamples = 8,
                ValidationInterval = 30,
                TempFolder = stories.Path,
            },
        });
        using LanguageModel trained = result.Model;
        stories.AssertWonBack(0.5, trained);
        foreach (ParameterSpec linear in PrunedModels.Linears(trained.Spec))
        {
            CollectionAssert.AreEqual(stories.Model.Weights[linear.Name].ToArray().Select(w => w == 0).ToArray(),
                trained.Weights[linear.Name].ToArray().Select(w => w == 0).ToArray(), linear.Name);
        }
    }
}
