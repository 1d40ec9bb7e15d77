using Microsoft.ML;
using ML.Pruning.Calibration;
using ML.Pruning.Inference;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tests.Transforms;

/// <summary>Every stage goes through <see cref="StageConformance"/>.</summary>
[TestClass]
public sealed class StageConformanceTests
{
    private static readonly CalibrationOptions s_calibration = new() { Samples = 4, SequenceLength = 16 };
    private static readonly LoraOptions s_lora = new()
    {
        Rank = 2,
        SequenceLength = 16,
        Training = new TrainingOptions { Steps = 4, BatchSize = 2, LearningRate = 1e-2, ValidationExamples = 1 },
    };

    private readonly MLContext _ml = new(seed: 1);
    private TinyModel _model = null!;

    [TestInitialize]
    public void CreateModel() => _model = new TinyModel();

    [TestCleanup]
    public void DeleteModel() => _model.Dispose();

    [TestMethod]
    public void LoadLlm_Conforms() => Check(() => Load());

    [TestMethod]
    public void PruneLlm_Magnitude_Conforms() =>
        Check(() => Load().Append(_ml.Transforms.PruneLlm("Model", null, new Magnitude { Sparsity = 0.5 })));

    [TestMethod]
    public void PruneLlm_Wanda_Conforms() => Check(() => Load().Append(_ml.Transforms.PruneLlm(
        "Model", "Text", new Wanda { Pattern = new NofMPattern(2, 4), Calibration = s_calibration })));

    [TestMethod]
    public void PruneLlm_FromPath_Conforms() => Check(() => _ml.Transforms.PruneLlm(
        _model.Folder, new Wanda { Calibration = s_calibration }));

    // One chain, because each check starts a process.
    [TestMethod]
    public void PruneLlm_MethodsThatMakeTheModelSmaller_Conform()
    {
        (string Name, PruningMethod Method)[] methods =
        [
            ("LlmPruner", new LlmPruner { Ratio = 0.5, Calibration = s_calibration }),
            ("Flap", new Flap { Ratio = 0.3, Calibration = s_calibration }),
            ("SliceGpt", new SliceGpt { RoundTo = 4, Calibration = s_calibration }),
            ("ShortGpt", new ShortGpt { Count = 1, Calibration = s_calibration }),
            ("Width", new WidthPruning { MlpWidth = 16, RoundTo = 4, Calibration = s_calibration }),
        ];
        Check(() => methods.Aggregate(Load(), (chain, m) => chain.Append(
            _ml.Transforms.PruneLlm(m.Name, "Text", m.Method, inputColumnName: "Model"))));
    }

    [TestMethod]
    public void FineTuneLora_Merged_Conforms() => Check(() => Load().Append(_ml.Transforms.FineTuneLora(lora: s_lora)));

    [TestMethod]
    public void FineTuneLora_AdapterKept_ConformsWithScoring() => Check(() => Load()
        .Append(_ml.Transforms.FineTuneLora(lora: s_lora with { KeepAdapter = true }))
        .Append(_ml.Transforms.ScoreLlm()));

    [TestMethod]
    public void FineTuneSparse_Conforms() => Check(() => Load()
        .Append(_ml.Transforms.PruneLlm("Student", null, new Magnitude(), inputColumnName: "Model"))
        .Append(_ml.Transforms.FineTuneSparse(new SparseFineTuningEstimator.Options
        {
            OutputColumnName = "Student",
            TeacherColumnName = "Model",
            SequenceLength = 16,
            FineTuning = new SparseFineTuneOptions { Training = new TrainingOptions { Steps = 2, BatchSize = 2 } },
        })));

    [TestMethod]
    public void ScoreLlm_Conforms() => Check(() => Load().Append(_ml.Transforms.ScoreLlm()));

    [TestMethod]
    public void EmbedText_Conforms() => Check(() => Load().Append(_ml.Transforms.EmbedText("Vector")));

    [TestMethod]
    public void GenerateText_Conforms() => StageConformance.Check(_ml,
        () => Load().Append(_ml.Transforms.GenerateText(generation: new GenerationOptions { MaxNewTokens = 5 })),
        [.. TinyModel.Texts.Where(text => text.Length < 60)]);

    [TestMethod]
    public void ClassifyText_Conforms()
    {
        using var encoder = new TinyEncoder();
        StageConformance.Check(_ml, () => Loaded(encoder).Append(_ml.Transforms.ClassifyText()), TinyEncoder.Texts);
    }

    private IEstimator<ITransformer> Loaded(TinyEncoder encoder) => _ml.Transforms.LoadLlm("Model", encoder.Folder);

    private IEstimator<ITransformer> Load() => _ml.Transforms.LoadLlm("Model", _model.Folder);

    private void Check(Func<IEstimator<ITransformer>> build) => StageConformance.Check(_ml, build, TinyModel.Texts);
}
