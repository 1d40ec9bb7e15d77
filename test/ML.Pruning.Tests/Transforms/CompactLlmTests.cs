using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Evaluation;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tests.Transforms;

[TestClass]
public sealed class CompactLlmTests
{
    private readonly MLContext _ml = new(seed: 1);
    private TinyModel _model = null!;
    private IDataView _data = null!;

    [TestInitialize]
    public void CreateModel()
    {
        _model = new TinyModel();
        _data = StageConformance.Data(_ml, TinyModel.Texts);
    }

    [TestCleanup]
    public void DeleteModel() => _model.Dispose();

    [TestMethod]
    public void CompactLlm_ReplacedModel_LeavesItsWeightsOut()
    {
        using var fitted = Load("Model").Append(Prune("Model", null)).Append(_ml.Transforms.ScoreLlm()).Fit(_data);
        using TransformerChain<ITransformer> compact = _ml.Model.CompactLlm(fitted);

        LanguageModel[] models = Models(compact);
        Assert.IsFalse(models[0].HasWeights);
        Assert.IsTrue(models[1].HasWeights);
        Assert.AreEqual(Models(fitted)[0].ContentHash, models[0].ContentHash);
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => models[0].Weights);
        StringAssert.Contains(e.Message, "LlmLoadingTransformer");
        StringAssert.Contains(e.Message, "CompactLlm");
    }

    [TestMethod]
    public void CompactLlm_SameScores_AfterSaving()
    {
        using var fitted = Load("Model").Append(Prune("Model", null)).Append(_ml.Transforms.ScoreLlm()).Fit(_data);
        using TransformerChain<ITransformer> compact = _ml.Model.CompactLlm(fitted);
        float[] expected = Scores(fitted);

        CollectionAssert.AreEqual(expected, Scores(compact));
        using var loaded = (TransformerChain<ITransformer>)Reload(compact);
        CollectionAssert.AreEqual(expected, Scores(loaded));
        Assert.IsFalse(Models(loaded)[0].HasWeights);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => Models(loaded)[0].Weights).Message, "CompactLlm");
    }

    [TestMethod]
    public void CompactLlm_TeacherAndStudent_KeepsBoth()
    {
        using var fitted = Load("Teacher").Append(Prune("Student", "Teacher"))
            .Append(_ml.Transforms.ScoreLlm("TeacherScore", "Teacher")).Fit(_data);
        using TransformerChain<ITransformer> compact = _ml.Model.CompactLlm(fitted);
        Assert.IsTrue(Models(compact).All(model => model.HasWeights));
    }

    [TestMethod]
    public void CompactLlm_CopiedBeforeReplaced_KeepsTheCopy()
    {
        using var fitted = Load("Model").Append(_ml.Transforms.CopyColumns("Teacher", "Model"))
            .Append(Prune("Model", null)).Append(_ml.Transforms.ScoreLlm(modelColumnName: "Teacher")).Fit(_data);
        using TransformerChain<ITransformer> compact = _ml.Model.CompactLlm(fitted);
        Assert.IsTrue(Models(compact).All(model => model.HasWeights));
    }

    [TestMethod]
    public void CompactLlm_DroppedColumn_LeavesItsWeightsOut()
    {
        using var fitted = Load("Teacher").Append(Prune("Student", "Teacher"))
            .Append(_ml.Transforms.DropColumns("Teacher")).Fit(_data);
        using TransformerChain<ITransformer> compact = _ml.Model.CompactLlm(fitted);
        CollectionAssert.AreEqual(new[] { false, true }, Models(compact).Select(m => m.HasWeights).ToArray());
    }

    [TestMethod]
    public void CompactLlm_OriginalDisposed_StillWorks()
    {
        var fitted = Load("Model").Append(Prune("Model", null)).Append(_ml.Transforms.ScoreLlm()).Fit(_data);
        float[] expected = Scores(fitted);
        using TransformerChain<ITransformer> compact = _ml.Model.CompactLlm(fitted);
        fitted.Dispose();
        CollectionAssert.AreEqual(expected, Scores(compact));
    }

    [TestMethod]
    public void CompactLlm_LoadedChain_NeedsTheSchema()
    {
        using var fitted = Load("Model").Append(Prune("Model", null)).Fit(_data);
        using var loaded = (TransformerChain<ITransformer>)Reload(fitted);
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => _ml.Model.CompactLlm(loaded)).Message, "inputSchema");
        using TransformerChain<ITransformer> compact = _ml.Model.CompactLlm(loaded, _data.Schema);
        Assert.IsFalse(Models(compact)[0].HasWeights);
    }

    [TestMethod]
    public void Save_PrefixOfAChain_KeepsItsWeights()
    {
        using var fitted = Load("Model").Append(Prune("Model", null)).Append(_ml.Transforms.ScoreLlm()).Fit(_data);
        var prefix = new TransformerChain<ITransformer>(((IEnumerable<ITransformer>)fitted).Take(1).ToArray());
        using var loaded = (TransformerChain<ITransformer>)Reload(prefix);
        Assert.AreEqual(Models(fitted)[0].ContentHash, Models(loaded)[0].ContentHash);
        Assert.IsTrue(Models(loaded)[0].HasWeights);
    }

    [TestMethod]
    public void Save_CompactChain_IsAtMostATenthLargerThanItsWeights()
    {
        string folder = SharedFiles.Model("docs-6m");
        using var fitted = _ml.Transforms.LoadLlm("Model", folder)
            .Append(_ml.Transforms.PruneLlm("Model", null, new Magnitude { Sparsity = 0.7 })).Fit(_data);
        using TransformerChain<ITransformer> compact = _ml.Model.CompactLlm(fitted);
        string zip = Path.GetTempFileName();
        try
        {
            _ml.Model.Save(compact, _data.Schema, zip);
            long weights = SizeAudit.Of(Models(fitted)[1]).CompressedBytes;
            Assert.IsLessThanOrEqualTo(1.1 * weights, new FileInfo(zip).Length);
        }
        finally
        {
            File.Delete(zip);
        }
    }

    private static LanguageModel[] Models(IEnumerable<ITransformer> chain) =>
        [.. chain.OfType<ModelYieldingTransformer>().Select(stage => stage.Model)];

    private float[] Scores(ITransformer model) => [.. model.Transform(_data).GetColumn<float>("LogLikelihood")];

    private ITransformer Reload(ITransformer model)
    {
        string zip = Path.GetTempFileName();
        try
        {
            _ml.Model.Save(model, _data.Schema, zip);
            return new MLContext().Model.Load(zip, out _);
        }
        finally
        {
            File.Delete(zip);
        }
    }

    private IEstimator<ITransformer> Load(string column) => _ml.Transforms.LoadLlm(column, _model.Folder);

    private LlmPruningEstimator Prune(string output, string? input) =>
        _ml.Transforms.PruneLlm(output, null, new Magnitude { Sparsity = 0.5 }, input);
}
