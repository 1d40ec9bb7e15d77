using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Recovery.DynamicSparsity;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Pruning;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Recovery;

/// <summary>Encoders learn labels and hidden tokens. Oracles: the cross-entropy of scores of single texts, the rates of
/// the masking; property: zeros stay.</summary>
[TestClass]
public sealed class EncoderTrainingTests
{
    private static readonly TrainingOptions s_options = new()
    {
        Steps = 120, BatchSize = 16, LearningRate = 3e-3, ValidationExamples = 32, ValidationInterval = 40,
        WeightDecay = 0, TempFolder = Path.GetTempPath(),
    };

    [TestMethod]
    public void Loss_OfTextsWithLabels_IsTheMeanOverTheTextsAlone()
    {
        using LanguageModel model = TinyEncoder.Create();
        LabeledText[] texts = TinyEncoder.Labeled(5);
        TrainingExamples examples = TrainingExamples.FromLabels(texts, model);
        using TorchDecoder encoder = TorchDecoder.Load(model);
        using Tensor loss = TrainingObjective.Of(encoder).Loss(examples.Batch([0, 1, 2, 3, 4]));
        double expected = texts.Average(text =>
        {
            TextClass found = TextClassifier.Classify(model, [text.Text], EngineKind.Torch)[0];
            return -Math.Log(found.Probabilities[text.Label == "positive" ? 1 : 0]);
        });
        Assert.AreEqual(expected, loss.ToDouble(), 1e-6);
    }

    [TestMethod]
    public void Train_Classifier_LearnsTheRuleAndSurvivesPruning()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyEncoder.Create();
        TrainingExamples examples = TrainingExamples.FromLabels(TinyEncoder.Labeled(400), start);
        TrainingOptions options = s_options with { TempFolder = folder.Path };
        using LanguageModel trained = LanguageModelTrainer.Train(start, examples, options).Model;
        LabeledText[] unseen = TinyEncoder.Labeled(100, seed: 2);
        Assert.IsGreaterThan(0.97, AccuracyEvaluator.Evaluate(trained, unseen, EngineKind.Torch).Accuracy);

        SparseFineTuneResult sparse = SparseFineTuner.Train(trained, examples, new SparseFineTuneOptions
        {
            Pruning = new Wanda
            {
                Sparsity = 0.5,
                Calibration = new CalibrationOptions { Samples = 16, SequenceLength = 16 },
            },
            Training = options with { Steps = 40 },
        });
        using LanguageModel recovered = sparse.Model;
        Assert.AreEqual(0.5, sparse.Report.Sparsity, 1e-9);
        Assert.IsGreaterThan(0.9, AccuracyEvaluator.Evaluate(recovered, unseen, EngineKind.Torch).Accuracy);
    }

    [TestMethod]
    public void Train_LoraOnAClassifier_TrainsItsHeadToo()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyEncoder.Create();
        TrainingExamples examples = TrainingExamples.FromLabels(TinyEncoder.Labeled(200), start);
        using LanguageModel trained = LoraTrainer.Train(start, examples, new LoraOptions
        {
            Rank = 4,
            Training = s_options with { LearningRate = 1e-2, Steps = 80, TempFolder = folder.Path },
        }).Model;
        Assert.IsFalse(start.Weights["classifier.weight"].ToArray()
            .SequenceEqual(trained.Weights["classifier.weight"].ToArray()));
        CollectionAssert.AreEqual(start.Weights[TensorNames.Embedding].ToArray(),
            trained.Weights[TensorNames.Embedding].ToArray());
        double before = AccuracyEvaluator.Evaluate(start, TinyEncoder.Labeled(100, 2), EngineKind.Torch)
            .MeanCrossEntropy;
        double after = AccuracyEvaluator.Evaluate(trained, TinyEncoder.Labeled(100, 2), EngineKind.Torch)
            .MeanCrossEntropy;
        Assert.IsLessThan(0.8 * before, after);
    }

    [TestMethod]
    public void Train_SoftMovement_ServesWhatItPruned()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyEncoder.Create();
        TrainingExamples examples = TrainingExamples.FromLabels(TinyEncoder.Labeled(300), start);
        using LanguageModel pruned = SparseFineTuner.Train(start, examples, new SparseFineTuneOptions
        {
            Pruning = new Magnitude { Sparsity = 0.7 },
            Schedule = new SparsitySchedule { RampStart = 0.1 },
            MaskInterval = 3,
            Dynamics = new SoftMovementPruning { Penalty = 1e2, ScoreLearningRate = 0.2 },
            Training = s_options with { Steps = 40, TempFolder = folder.Path },
        }).Model;
        long zeros = PrunedModels.Linears(start.Spec).Sum(p => pruned.Weights[p.Name].ToArray().LongCount(w => w == 0));
        Assert.IsGreaterThan(0.2 * PrunedModels.Linears(start.Spec).Sum(p => p.Count), (double)zeros);
        LanguageModelZip.Save(pruned, folder["served.zip"]);
        using LanguageModel served = LanguageModelSource.Open(folder["served.zip"]);
        var ml = new MLContext();
        ITransformer chain = ml.Model.Load(folder["served.zip"], out _);
        string label = chain.Transform(ml.Data.LoadFromEnumerable([new LabeledText("a good film", "")]))
            .GetColumn<string>("PredictedLabel").Single();
        (chain as IDisposable)?.Dispose();
        Assert.AreEqual(TextClassifier.Classify(served, ["a good film"])[0].Label, label);
        LabeledText[] unseen = TinyEncoder.Labeled(100, seed: 2);
        Assert.AreEqual(AccuracyEvaluator.Evaluate(pruned, unseen, EngineKind.Torch).MeanCrossEntropy,
            AccuracyEvaluator.Evaluate(served, unseen, EngineKind.Onnx).MeanCrossEntropy, 1e-4);
    }

    [TestMethod]
    public void Batch_HiddenTokens_HasThePublishedRates()
    {
        using LanguageModel model = TinyEncoder.Create("BertForMaskedLM");
        TrainingExamples examples = TrainingExamples.FromText(
            TinyEncoder.Labeled(2000).Select(t => t.Text), model, sequenceLength: 24);
        int[] all = [.. Enumerable.Range(0, examples.Count)];
        TrainingBatch batch = examples.Batch(all, 7), again = examples.Batch(all, 7), other = examples.Batch(all, 8);
        int mask = model.Tokenizer!.MaskTokenId!.Value;
        int ordinary = 0, masked = 0, kept = 0;
        for (int i = 0; i < examples.Count; i++)
            foreach (int token in examples.Tokens(i)) if (!model.Tokenizer.IsSpecial(token)) ordinary++;
        foreach ((int position, int token) in batch.HiddenTokens!)
        {
            Assert.AreEqual(examples.Tokens(position / 24)[position % 24], token);
            Assert.IsFalse(model.Tokenizer.IsSpecial(token));
            if (batch.Tokens[position] == mask) masked++;
            else if (batch.Tokens[position] == token) kept++;
        }

        double count = batch.HiddenTokens.Count;
        Assert.AreEqual(0.15, count / ordinary, 0.01);
        Assert.AreEqual(0.8, masked / count, 0.03);

        // One in sixteen random tokens is the token itself.
        Assert.AreEqual(0.1 + 0.1 / 16, kept / count, 0.03);
        CollectionAssert.AreEqual(batch.Tokens, again.Tokens);
        CollectionAssert.AreNotEqual(batch.Tokens, other.Tokens);
    }

    [TestMethod]
    public void Train_MaskedLanguageModel_LearnsTheWords()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyEncoder.Create("BertForMaskedLM");
        TrainingExamples examples = TrainingExamples.FromText(
            TinyEncoder.Labeled(400).Select(t => t.Text), start, sequenceLength: 24);
        TrainingOptions options = s_options with { TempFolder = folder.Path, Steps = 60 };
        TrainingResult result = LanguageModelTrainer.Train(start, examples, options);
        using LanguageModel trained = result.Model;
        Assert.AreEqual(Math.Log(start.Spec.VocabularySize), result.Report.InitialLoss!.Value, 0.2);

        // A word is one of the six frequent ones, or of the six that decide.
        Assert.IsLessThan(2.4, result.Report.BestLoss!.Value);
        TrainingResult again = LanguageModelTrainer.Train(start, examples, options);
        using LanguageModel second = again.Model;
        Assert.AreEqual(trained.ContentHash, second.ContentHash);
    }

    [TestMethod]
    public void FromText_WrongKindOfModel_SaysWhatToGive()
    {
        using LanguageModel classifier = TinyEncoder.Create(), masked = TinyEncoder.Create("BertForMaskedLM");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(
            () => TrainingExamples.FromText(["good"], classifier)).Message, "texts with labels");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(
            () => TrainingExamples.FromLabels([new("good", "positive")], masked)).Message, "no such head");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(
            () => TrainingExamples.FromLabels([new("good", "neutral")], classifier)).Message, "negative, positive");
        TrainingExamples windows = TrainingExamples.FromWindows(TokenWindows.FromTokens(new int[64], 8));
        Assert.ThrowsExactly<ArgumentException>(() => LanguageModelTrainer.Train(masked, windows));
    }
}
