using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Evaluation;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Transforms;

[TestClass]
public sealed class ScoreLlmTests
{
    private readonly MLContext _ml = new(seed: 1);
    private TinyModel _model = null!;

    [TestInitialize]
    public void CreateModel() => _model = new TinyModel();

    [TestCleanup]
    public void DeleteModel() => _model.Dispose();

    [TestMethod]
    public void ScoreLlm_EachText_IsTheSumOfItsTokens()
    {
        using LanguageModel model = HuggingFaceModel.Open(_model.Folder);
        var oracle = new Float64Decoder(model);
        Scored[] scores = Score(_model.Folder, TinyModel.Texts);
        for (int i = 0; i < scores.Length; i++)
        {
            int[] tokens = [1, .. model.RequireTokenizer().EncodeData(TinyModel.Texts[i])];
            int[] seen = tokens[..Math.Min(tokens.Length, model.Spec.ContextLength)];
            double expected = LogLikelihood(oracle.Logits(seen), seen);
            Assert.AreEqual(seen.Length - 1, scores[i].TokenCount);
            Assert.AreEqual(tokens.Length - seen.Length, scores[i].TruncatedTokenCount);
            Assert.AreEqual(expected, scores[i].LogLikelihood, 1e-4 * Math.Abs(expected) + 1e-9);
            Assert.AreEqual((float)Math.Exp(-expected / (seen.Length - 1)), scores[i].Perplexity,
                1e-3 * Math.Exp(-expected / Math.Max(1, seen.Length - 1)));
        }
    }

    [TestMethod]
    public void ScoreLlm_EmptyText_GivesZeroTokensAndNaN()
    {
        Scored score = Score(_model.Folder, [""]).Single();
        Assert.AreEqual(0f, score.LogLikelihood);
        Assert.AreEqual(0, score.TokenCount);
        Assert.IsTrue(float.IsNaN(score.Perplexity));
        Assert.AreEqual(0, score.TruncatedTokenCount);
    }

    [TestMethod]
    public void ScoreLlm_OnlyAnotherColumnAsked_RunsNothing()
    {
        IDataView data = StageConformance.Data(_ml, TinyModel.Texts);
        using var fitted = _ml.Transforms.LoadLlm("Model", _model.Folder).Append(_ml.Transforms.ScoreLlm()).Fit(data);
        IDataView output = fitted.Transform(data);
        LanguageModel model = output.GetColumn<LanguageModel>("Model").First();
        model.Dispose();

        // Scoring would throw now, because the model is gone.
        Assert.AreEqual(TinyModel.Texts.Length, output.GetColumn<int>("Number").Count());
        Assert.ThrowsExactly<ObjectDisposedException>(() => output.GetColumn<float>("LogLikelihood").ToArray());
    }

    [TestMethod]
    public void CacheAfterLoadLlm_DropsTheModel_AndTheErrorSaysSo()
    {
        IDataView data = StageConformance.Data(_ml, TinyModel.Texts);
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Transforms.LoadLlm("Model", _model.Folder)
            .AppendCacheCheckpoint(_ml).Append(_ml.Transforms.ScoreLlm()).Fit(data));
        StringAssert.Contains(e.Message, "'Model'");
        StringAssert.Contains(e.Message, "before LoadLlm");
    }

    [TestMethod]
    public void ShuffleAfterLoadLlm_DropsTheModel_AndTheErrorSaysSo()
    {
        IDataView data = StageConformance.Data(_ml, TinyModel.Texts);
        using LlmLoader loader = new(_ml, _model.Folder, data);
        IDataView shuffled = _ml.Data.ShuffleRows(loader.Output);
        Assert.IsNull(shuffled.Schema.GetColumnOrNull("Model"));
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => _ml.Transforms.ScoreLlm().Fit(shuffled)).Message, "before LoadLlm");
    }

    [TestMethod]
    public void EvaluateLlm_IsThePerplexityOfTheColumn()
    {
        string[] texts = [.. Enumerable.Repeat(TinyModel.Texts, 4).SelectMany(t => t)];
        using LlmLoader loader = new(_ml, _model.Folder, StageConformance.Data(_ml, texts));
        using LanguageModel model = HuggingFaceModel.Open(_model.Folder);
        Assert.AreEqual(PerplexityEvaluator.Evaluate(model, texts, 32),
            _ml.EvaluateLlm(loader.Output, sequenceLength: 32));
    }

    [TestMethod]
    public void ScoreLlm_NoModelColumn_IsRefusedBeforeAnyWork()
    {
        var counting = new CountingView(StageConformance.Data(_ml, TinyModel.Texts));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Transforms.CopyColumns("Copy", "Text")
            .Append(_ml.Transforms.ScoreLlm()).Fit(counting));
        Assert.AreEqual(0, counting.RowsRead);
    }

    [TestMethod]
    public void PruneLlm_EmptyData_SaysThatThereIsNoModel()
    {
        IDataView empty = StageConformance.Data(_ml, []);
        var e = Assert.ThrowsExactly<ArgumentException>(() => _ml.Transforms.LoadLlm("Model", _model.Folder)
            .Append(_ml.Transforms.PruneLlm("Model", "Text", new Wanda())).Fit(empty));
        StringAssert.Contains(e.Message, "no rows");
    }

    [TestMethod]
    public void ScoreLlm_BatchSizeOutOfRange_IsRefused() => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
        _ml.Transforms.ScoreLlm(new ML.Pruning.Transforms.LlmScoringEstimator.Options { BatchSize = 0 }));

    [TestMethod]
    public void Stages_Fitting_LogThroughTheContext()
    {
        var messages = new List<string>();
        _ml.Log += (_, e) => messages.Add($"{e.Kind} {e.Source}: {e.RawMessage}");
        using var fitted = _ml.Transforms.LoadLlm("Model", _model.Folder)
            .Append(_ml.Transforms.PruneLlm("Model", null, new Magnitude()))
            .Fit(StageConformance.Data(_ml, TinyModel.Texts));
        Assert.IsTrue(messages.Any(m => m.StartsWith("Info LlmLoadingEstimator; Fit: Loaded llama")),
            string.Join('\n', messages));
        Assert.IsTrue(messages.Any(m => m.StartsWith("Info LlmPruningEstimator; Fit:")), string.Join('\n', messages));
    }

    private static double LogLikelihood(double[][] logits, int[] tokens)
    {
        double sum = 0;
        for (int t = 0; t + 1 < tokens.Length; t++)
        {
            double highest = logits[t].Max();
            sum += logits[t][tokens[t + 1]] - highest - Math.Log(logits[t].Sum(l => Math.Exp(l - highest)));
        }

        return sum;
    }

    private Scored[] Score(string folder, string[] texts)
    {
        IDataView data = StageConformance.Data(_ml, texts);
        using var fitted = _ml.Transforms.LoadLlm("Model", folder).Append(_ml.Transforms.ScoreLlm()).Fit(data);
        return [.. _ml.Data.CreateEnumerable<Scored>(fitted.Transform(data), reuseRowObject: false)];
    }

    private sealed class LlmLoader(MLContext ml, string folder, IDataView data) : IDisposable
    {
        private readonly ML.Pruning.Transforms.LlmLoadingTransformer _fitted =
            ml.Transforms.LoadLlm("Model", folder).Fit(data);

        public IDataView Output => _fitted.Transform(data);

        public void Dispose() => _fitted.Dispose();
    }

    private sealed class Scored
    {
        public float LogLikelihood { get; set; }

        public int TokenCount { get; set; }

        public float Perplexity { get; set; }

        public int TruncatedTokenCount { get; set; }
    }
}
