using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Evaluation;

/// <summary>Oracle: scores of single texts, counted by hand; and files of texts with labels.</summary>
[TestClass]
public sealed class AccuracyEvaluatorTests
{
    [TestMethod]
    public void Evaluate_ManyTexts_CountsThoseWhoseScoreIsHighest()
    {
        using LanguageModel model = TinyEncoder.Create();
        LabeledText[] texts = TinyEncoder.Labeled(50);
        int right = 0;
        double sum = 0;
        foreach (LabeledText text in texts)
        {
            var scores = new float[2];
            int[] tokens = [.. model.Tokenizer!.EncodeWhole(text.Text, 24).Ids];
            EngineFactory.Get(model, EngineKind.Torch).LabelScores(tokens, [tokens.Length], scores);
            int label = text.Label == "positive" ? 1 : 0;
            if (scores[label] > scores[1 - label]) right++;
            sum += Math.Log(1 + Math.Exp((double)scores[1 - label] - scores[label]));
        }

        AccuracyResult result = AccuracyEvaluator.Evaluate(model, texts, EngineKind.Torch);
        Assert.AreEqual(right / 50.0, result.Accuracy);
        Assert.AreEqual(sum / 50, result.MeanCrossEntropy, 1e-6);
        Assert.AreEqual((50, 0, "torch"), (result.Texts, result.TruncatedTexts, result.Engine));
        Assert.ThrowsExactly<ArgumentException>(() => AccuracyEvaluator.Evaluate(model, []));
        Assert.ThrowsExactly<NotSupportedException>(() => PerplexityEvaluator.Evaluate(model, ["good"], 8));
    }

    [TestMethod]
    [DataRow("sentence\tlabel\ngood film \t1\n", "good film ", "1")]
    [DataRow("id\tlabel\ttext\n7\tpositive\ta \"b\n", "a \"b", "positive")]
    public void Read_TabSeparatedFile_FindsTheColumns(string content, string text, string label)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder["x.tsv"], content);
        CollectionAssert.AreEqual(new[] { new LabeledText(text, label) }, LabeledText.Read(folder["x.tsv"]).ToArray());
        CollectionAssert.AreEqual(new[] { text }, TextCorpus.Read(folder["x.tsv"]).ToArray());
    }

    [TestMethod]
    [DataRow("good\t1\n", "line 1: the columns are good, 1")]
    [DataRow("sentence\tlabel\ngood\n", "line 2: 1 columns; the first line has 2")]
    public void Read_BadFile_NamesTheLine(string content, string expected)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder["x.tsv"], content);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(
            () => LabeledText.Read(folder["x.tsv"]).ToArray()).Message, expected);
    }
}
