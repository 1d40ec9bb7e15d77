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
    public void LearningRateAt_OtherDecays_AreAsByHand()
    {
        var options = new TrainingOptions { Steps = 11, WarmupSteps = 0, FinalLearningRateFraction = 0,
            LearningRate = 1 };
        Assert.AreEqual(0.7, (options with { Decay = LearningRateDecay.Linear }).LearningRateAt(3), 1e-12);
        Assert.AreEqual(1, (options with { Decay = LearningRateDecay.Constant }).LearningRateAt(10), 1e-12);
    }

    [TestMethod]
    [DataRow(100, 200)] // at least 200
    [DataRow(2064, 500)] // 64 held out; two passes over 2,000 in batches of 8
    [DataRow(100_000, 1000)] // at most 1000
    public void Resolve_StepsNotGiven_FollowTheExamples(int examples, int expected)
    {
        TrainingOptions resolved = new TrainingOptions().Resolve(examples, hiddenSize: 64);
        Assert.AreEqual(expected, resolved.Steps);
        Assert.AreEqual(expected / 20, resolved.WarmupSteps);
    }

    [TestMethod]
    [DataRow(16, 1e-3, 5e-3)] // never above those of a width of 64
    [DataRow(64, 1e-3, 5e-3)]
    [DataRow(4096, 1.5625e-5, 7.8125e-5)]
    public void Resolve_RateNotGiven_GoesDownWithTheWidth(int hiddenSize, double all, double lora)
    {
        Assert.AreEqual(all, new TrainingOptions().Resolve(100, hiddenSize).LearningRate!.Value, 1e-12);
        Assert.AreEqual(0.5, new TrainingOptions { LearningRate = 0.5 }.Resolve(100, hiddenSize).LearningRate);
        ModelSpec spec = TinyTraining.Model().Spec with { HiddenSize = hiddenSize };
        Assert.AreEqual(lora, new LoraOptions().TrainingOf(spec).LearningRate!.Value, 1e-12);
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
        Expect(new TrainingOptions { AccumulationSteps = 0 }, "accumulation steps is 0");
        Expect(new TrainingOptions { EarlyStoppingPatience = 0 }, "early-stopping patience is 0");
        Expect(new TrainingOptions { SpikeDeviations = 0 }, "deviations that make a spike is 0");
        Expect(new TrainingOptions { Resume = true }, "Resuming needs the checkpoint folder");
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
