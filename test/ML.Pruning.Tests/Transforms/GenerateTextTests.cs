using Microsoft.ML;
using ML.Pruning.Inference;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tests.Transforms;

/// <summary>The stage <c>GenerateText</c>: batches, saved options, wrong options.</summary>
[TestClass]
public sealed class GenerateTextTests
{
    private static readonly string[] s_texts = [.. TinyModel.Texts.Where(text => text.Length < 60)];
    private static readonly GenerationOptions s_sampling = new()
    {
        MaxNewTokens = 12,
        Temperature = 0.9,
        TopK = 50,
        TopP = 0.95,
        MinP = 0.01,
        RepetitionPenalty = 1.1,
        Seed = 2,
        StopSequences = ["e", "\n"],
    };

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void Transform_AnyBatchSize_GivesTheTextsThatEachRowHasAlone()
    {
        using var tiny = new TinyModel();
        string[] batched = Texts(Fit(tiny, 4));
        CollectionAssert.AreEqual(Texts(Fit(tiny, 1)), batched);
        CollectionAssert.AreEqual(Texts(Fit(tiny, 100)), batched);
        Assert.IsGreaterThan(2, batched.Zip(s_texts, (got, text) => got.Length - text.Length).Distinct().Count());
    }

    [TestMethod]
    public void Load_SavedSamplingOptions_GiveTheSameTexts()
    {
        using var tiny = new TinyModel();
        string zip = Path.Combine(Path.GetDirectoryName(tiny.Folder)!, "model.zip");
        ITransformer fitted = Fit(tiny, 3);
        IDataView data = StageConformance.Data(_ml, s_texts);
        _ml.Model.Save(fitted, data.Schema, zip);
        ITransformer loaded = new MLContext().Model.Load(zip, out _);
        CollectionAssert.AreEqual(Texts(fitted), Texts(loaded));
        (loaded as IDisposable)?.Dispose();
    }

    [TestMethod]
    public void GenerateText_OptionOutOfRange_IsRefusedAtOnce()
    {
        Assert.Throws<ArgumentException>(
            () => _ml.Transforms.GenerateText(generation: new GenerationOptions { TopP = 2 }));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => _ml.Transforms.GenerateText(new TextGeneratingEstimator.Options { BatchSize = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => _ml.Transforms.GenerateText(new TextGeneratingEstimator.Options { BatchSize = 1025 }));
    }

    private ITransformer Fit(TinyModel tiny, int batchSize) => _ml.Transforms.LoadLlm("Model", tiny.Folder)
        .Append(_ml.Transforms.GenerateText(
            new TextGeneratingEstimator.Options { Generation = s_sampling, BatchSize = batchSize }))
        .Fit(StageConformance.Data(_ml, s_texts));

    private string[] Texts(ITransformer fitted)
    {
        IDataView output = fitted.Transform(StageConformance.Data(_ml, s_texts));
        return [.. StageConformance.Rows(output).Select(row => row["GeneratedText"])];
    }
}
