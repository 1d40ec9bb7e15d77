using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Pruning;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tests.Transforms;

/// <summary>Sparse fine-tuning in a pipeline: teacher and student, pairs, zeros and provenance through a saved
/// zip.</summary>
[TestClass]
public sealed class FineTuneSparseTests
{
    private static readonly TrainingOptions s_training = new() { Steps = 4, BatchSize = 4, WarmupSteps = 1 };
    private readonly MLContext _ml = new(seed: 1);
    private TinyModel _model = null!;
    private IDataView _data = null!;

    [TestInitialize]
    public void CreateModel()
    {
        _model = new TinyModel();
        _data = _ml.Data.LoadFromEnumerable(TinyModel.Texts.Concat(TinyModel.Texts)
            .Select((text, i) => new Row { Text = text, Answer = $"The answer is {i}." }));
    }

    [TestCleanup]
    public void DeleteModel() => _model.Dispose();

    [TestMethod]
    public void Fit_TeacherAndStudent_SavesCompactAndKeepsEveryZero()
    {
        var pipeline = _ml.Transforms.LoadLlm("Teacher", _model.Folder)
            .Append(_ml.Transforms.PruneLlm("Model", null, new Magnitude { Sparsity = 0.6 }, "Teacher"))
            .Append(_ml.Transforms.FineTuneSparse("Model", "Text",
                new SparseFineTuneOptions { Training = s_training }, teacherColumnName: "Teacher"))
            .Append(_ml.Transforms.DropColumns("Teacher"))
            .Append(_ml.Transforms.ScoreLlm());
        using var fitted = pipeline.Fit(_data);
        LanguageModel[] models = Models(fitted);
        LanguageModel trained = models[2];
        foreach (ParameterSpec linear in PrunedModels.Linears(trained.Spec))
        {
            float[] before = models[1].Weights[linear.Name].ToArray(), after = trained.Weights[linear.Name].ToArray();
            for (int i = 0; i < before.Length; i++)
                if (before[i] == 0) Assert.AreEqual(0f, after[i], $"{linear.Name} {i}");
        }

        SparseFineTuneReport report = fitted.OfType<SparseFineTuningTransformer>().Single().Report!;
        Assert.AreEqual(0.6, report.Sparsity, 0.01);
        Assert.AreEqual(4, report.Training.StepsDone);

        using TransformerChain<ITransformer> compact = _ml.Model.CompactLlm(fitted);
        CollectionAssert.AreEqual(new[] { false, false, true }, Models(compact).Select(m => m.HasWeights).ToArray());
        using var loaded = (TransformerChain<ITransformer>)Reload(compact);
        LanguageModel reloaded = Models(loaded)[2];
        Assert.AreEqual(trained.ContentHash, reloaded.ContentHash);
        CollectionAssert.AreEquivalent(trained.MaskedTensors.ToArray(), reloaded.MaskedTensors.ToArray());
        Assert.AreEqual(models[0].ContentHash, (string?)reloaded.Provenance[^1].Options["teacher"]);
    }

    [TestMethod]
    public void Fit_PromptsAndAnswersWithASchedule_TrainsOnPairs()
    {
        var pipeline = _ml.Transforms.LoadLlm("Model", _model.Folder)
            .Append(_ml.Transforms.FineTuneSparse(new SparseFineTuningEstimator.Options
            {
                ResponseColumnName = "Answer",
                SequenceLength = 64,
                FineTuning = new SparseFineTuneOptions
                {
                    Pruning = new Magnitude { Sparsity = 0.8 },
                    Schedule = new SparsitySchedule(),
                    Training = s_training,
                },
            }));
        using var fitted = pipeline.Fit(_data);
        ProvenanceStep step = Models(fitted)[1].Provenance[^1];
        Assert.AreEqual("pairs", (string?)step.Options["examples"]);
        Assert.AreEqual("cubic", (string?)step.Options["schedule"]!["kind"]);
        Assert.AreEqual(0.8, fitted.LastTransformer.Report!.Sparsity, 0.01);
    }

    [TestMethod]
    public void GetOutputSchema_MissingColumn_IsNamed()
    {
        var pipeline = _ml.Transforms.LoadLlm("Model", _model.Folder)
            .Append(_ml.Transforms.FineTuneSparse("Model", "Text", teacherColumnName: "Expert"));
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => pipeline.Fit(_data));
        StringAssert.Contains(error.Message, "Expert");
    }

    private static LanguageModel[] Models(IEnumerable<ITransformer> chain) =>
        [.. chain.OfType<ModelYieldingTransformer>().Select(stage => stage.Model)];

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

    private sealed class Row
    {
        public string Text { get; set; } = "";

        public string Answer { get; set; } = "";
    }
}
