using ML.Pruning.Models;
using ML.Pruning.Recovery;

namespace ML.Pruning.Tests.Recovery;

/// <summary>The schedule by hand, and values out of range.</summary>
[TestClass]
public class TrainingOptionsTests
{
    [TestMethod]
    [DataRow(0, 0.25)]
    [DataRow(3, 1.0)]
    [DataRow(4, 1.0)]
    [DataRow(9, 0.6)] // half of the cosine: (1 + 0.2) / 2
    [DataRow(14, 0.2)]
    public void LearningRateAt_WarmupThenCosine_IsAsByHand(int step, double expected)
    {
        var options = new TrainingOptions
        {
            Steps = 15,
            WarmupSteps = 4,
            LearningRate = 1,
            FinalLearningRateFraction = 0.2,
        };
        Assert.AreEqual(expected, options.LearningRateAt(step), 1e-12);
    }

    [TestMethod]
    public void Train_OptionOutOfRange_NamesItAndTheRange()
    {
        Expect(new TrainingOptions { Steps = 0 }, "number of steps is 0; it must be at least 1");
        Expect(new TrainingOptions { BatchSize = 0 }, "batch size is 0");
        Expect(new TrainingOptions { LearningRate = double.NaN }, "learning rate is NaN");
        Expect(new TrainingOptions { FinalLearningRateFraction = 1.5 }, "fraction is 1.5; it must be from 0 to 1");
        Expect(new TrainingOptions { Steps = 5, WarmupSteps = 6 }, "warm-up steps is 6; it must be from 0 to 5");
        Expect(new TrainingOptions { WeightDecay = -1 }, "weight decay is -1");
        Expect(new TrainingOptions { Beta1 = 1 }, "first beta is 1");
        Expect(new TrainingOptions { Beta2 = -0.1 }, "second beta is -0.1");
        Expect(new TrainingOptions { Epsilon = 0 }, "epsilon is 0");
        Expect(new TrainingOptions { MaxGradientNorm = 0 }, "largest gradient norm is 0");
        Expect(new TrainingOptions { ValidationInterval = 0 }, "validation interval is 0");
        Expect(new TrainingOptions { ValidationExamples = 60 }, "held-out examples is 60; it must be at least 0 and");
    }

    private static void Expect(TrainingOptions options, string message)
    {
        using LanguageModel model = TinyTraining.Model();
        var error = Assert.ThrowsExactly<ArgumentException>(
            () => TinyTraining.Train(model, TinyTraining.Windows(), options));
        StringAssert.Contains(error.Message, message);
    }
}
