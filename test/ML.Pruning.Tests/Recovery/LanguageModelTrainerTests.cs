using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Evaluation;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Recovery;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Pruning;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Recovery;

/// <summary>Training on a text whose entropy is known: properties, and float64 for the loss.</summary>
[TestClass]
public class LanguageModelTrainerTests
{
    [TestMethod]
    public void Train_PredictableText_ApproachesItsEntropy()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyTraining.Model();
        var seen = new Recorder();
        using LanguageModel trained = TinyTraining.Train(
            start, TinyTraining.Windows(), TinyTraining.Options(folder, 150), progress: seen);

        // Uniform: ln 40 = 3.69. The text: -7/8 ln 7/8 - 1/8 ln 1/8 = 0.377 nats a token.
        Assert.AreEqual(Math.Log(40), seen.Reports[0].ValidationLoss!.Value, 0.1);
        double best = (double)trained.Provenance[^1].Options["bestValidationLoss"]!;
        Assert.IsLessThan(1.0, best);
        Assert.IsGreaterThan(0.25, best);
        Assert.AreEqual(150, seen.Reports[^1].Step);
        Assert.AreEqual(1.0, seen.Reports[^1].Fraction);
        Assert.HasCount(151, seen.Reports);
    }

    [TestMethod]
    public void Train_FirstLosses_AreThoseOfAFloat64Decoder()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyTraining.Model();
        TokenWindows windows = TinyTraining.Windows();
        var seen = new Recorder();
        TrainingOptions options = TinyTraining.Options(folder, 1) with { BatchSize = 54, WarmupSteps = 0 };
        using LanguageModel trained = TinyTraining.Train(start, windows, options, progress: seen);

        double[] losses = [.. Enumerable.Range(0, 60).Select(i => Loss(new Float64Decoder(start), windows[i]))];
        Assert.AreEqual(losses[54..].Average(), seen.Reports[0].ValidationLoss!.Value, 1e-5);
        Assert.AreEqual(losses[..54].Average(), seen.Reports[1].Loss, 1e-5);
    }

    [TestMethod]
    public void Train_Finished_HoldsTheWeightsOfTheBestMeasurement()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyTraining.Model();
        TokenWindows windows = TinyTraining.Windows();
        var seen = new Recorder();
        using LanguageModel trained = TinyTraining.Train(
            start, windows, TinyTraining.Options(folder), progress: seen);

        double lowest = seen.Reports.Min(r => r.ValidationLoss ?? double.MaxValue);
        TokenWindows heldOut = TokenWindows.FromTokens(
            [.. Enumerable.Range(54, 6).SelectMany(i => windows[i].ToArray())], TinyTraining.WindowLength);
        double loss = PerplexityEvaluator.Evaluate(trained, heldOut, EngineKind.Torch).MeanNegativeLogLikelihood;
        Assert.AreEqual(lowest, loss, 1e-5);
        Assert.AreEqual(lowest, (double)trained.Provenance[^1].Options["bestValidationLoss"]!);
    }

    [TestMethod]
    public void Train_RateMuchTooHigh_KeepsTheStart()
    {
        using var folder = new TestFolder();
        using LanguageModel random = TinyTraining.Model();
        using LanguageModel start = TinyTraining.Train(
            random, TinyTraining.Windows(), TinyTraining.Options(folder, 60));
        TrainingOptions options = TinyTraining.Options(folder, 3) with
        {
            LearningRate = 1e3,
            WarmupSteps = 0,
            ValidationInterval = 1,
        };
        using LanguageModel trained = TinyTraining.Train(start, TinyTraining.Windows(), options);
        Assert.AreEqual(0, (int)trained.Provenance[^1].Options["bestStep"]!);
        foreach (string name in start.Weights.Keys)
            CollectionAssert.AreEqual(PrunedModels.Bytes(start, name), PrunedModels.Bytes(trained, name), name);
    }

    [TestMethod]
    public void Train_NothingHeldOut_KeepsTheLast()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyTraining.Model();
        TrainingOptions options = TinyTraining.Options(folder, 2) with { ValidationExamples = 0 };
        using LanguageModel trained = TinyTraining.Train(start, TinyTraining.Windows(), options);
        Assert.AreEqual(2, (int)trained.Provenance[^1].Options["bestStep"]!);
        Assert.IsNull(trained.Provenance[^1].Options["bestValidationLoss"]);
        Assert.AreNotEqual(start.ContentHash, trained.ContentHash);
    }

    [TestMethod]
    public void Train_SameSeed_GivesTheSameBitsAndAnotherSeedOthers()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyTraining.Model(TensorType.F16);
        string[] hashes = [.. new[] { 7, 7, 8 }.Select(seed =>
        {
            using LanguageModel trained = TinyTraining.Train(
                start, TinyTraining.Windows(), TinyTraining.Options(folder, 10) with { Seed = seed });
            Assert.IsTrue(trained.Weights.Values.All(w => w.Type == TensorType.F16));
            return trained.ContentHash;
        })];
        Assert.AreEqual(hashes[0], hashes[1]);
        Assert.AreNotEqual(hashes[0], hashes[2]);
    }

    [TestMethod]
    public void Train_MaskedZeros_StayZeroWhileTheRestMoves()
    {
        const string name = "layers.1.mlp.down_proj.weight";
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Model();
        float[] half = [.. dense.Weights[name].ToArray().Select((value, i) => i % 2 == 0 ? 0 : value)];
        using LanguageModel zeroed = PrunedModels.With(dense, new Dictionary<string, float[]> { [name] = half });
        using var masked = new LanguageModel(zeroed.ToContent() with { MaskedTensors = new HashSet<string> { name } });
        using LanguageModel trained = TinyTraining.Train(
            masked, TinyTraining.Windows(), TinyTraining.Options(folder));

        float[] after = trained.Weights[name].ToArray();
        for (int i = 0; i < after.Length; i++) Assert.AreEqual(i % 2 == 0, after[i] == 0, $"{i}");
        Assert.IsFalse(after.SequenceEqual(half));
        CollectionAssert.AreEqual(new[] { name }, trained.MaskedTensors.ToArray());
    }

    [TestMethod]
    public void Train_NaNWeight_SaysWhatIsWrong()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyTraining.Model();
        float[] gains = start.Weights[TensorNames.FinalNorm].ToArray();
        gains[3] = float.NaN;
        using LanguageModel broken = PrunedModels.With(
            start, new Dictionary<string, float[]> { [TensorNames.FinalNorm] = gains });
        var error = Assert.ThrowsExactly<TrainingException>(() => TinyTraining.Train(
            broken, TinyTraining.Windows(), TinyTraining.Options(folder)));
        StringAssert.Contains(error.Message, "validation loss is NaN after 0 of 40 steps");
        Assert.IsEmpty(folder.Names);
    }

    [TestMethod]
    public void Train_Cancelled_LeavesNothing()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyTraining.Model();
        using var source = new CancellationTokenSource();
        var seen = new Recorder { Told = report => { if (report.Step == 2) source.Cancel(); } };
        Assert.ThrowsExactly<OperationCanceledException>(() => TinyTraining.Train(
            start, TinyTraining.Windows(), TinyTraining.Options(folder), source.Token, seen));
        Assert.AreEqual(2, seen.Reports[^1].Step);
        Assert.IsEmpty(folder.Names);
    }

    [TestMethod]
    public void Train_Disposed_RemovesItsFile()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyTraining.Model();
        LanguageModel trained = TinyTraining.Train(
            start, TinyTraining.Windows(), TinyTraining.Options(folder, 1));
        trained.Dispose();
        Assert.IsEmpty(folder.Names);
    }

    [TestMethod]
    public void Train_TokenOutsideTheVocabulary_IsRefused()
    {
        using LanguageModel start = TinyTraining.Model();
        TokenWindows windows = TokenWindows.FromTokens([.. Enumerable.Range(10, 40)], 8);
        var error = Assert.ThrowsExactly<ArgumentException>(() => TinyTraining.Train(start, windows));
        StringAssert.Contains(error.Message, "is 40; the model's vocabulary has the tokens 0 to 39");
    }

    private static double Loss(Float64Decoder decoder, ReadOnlySpan<int> window)
    {
        double[][] logits = decoder.Logits(window[..^1]);
        double sum = 0;
        for (int t = 0; t < logits.Length; t++)
            sum += Math.Log(logits[t].Sum(Math.Exp)) - logits[t][window[t + 1]];
        return sum / logits.Length;
    }

    private sealed class Recorder : IProgress<TrainingProgress>
    {
        public List<TrainingProgress> Reports { get; } = [];

        public Action<TrainingProgress>? Told { get; init; }

        public void Report(TrainingProgress value)
        {
            Reports.Add(value);
            Told?.Invoke(value);
        }
    }
}
