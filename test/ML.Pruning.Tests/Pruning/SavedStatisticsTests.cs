using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

/// <summary>Statistics of the model as it is, saved once, prune at any sparsity without text.</summary>
[TestClass]
public sealed class SavedStatisticsTests
{
    private static readonly CalibrationOptions s_calibration = new() { Samples = 20, SequenceLength = 16 };

    private TinyModel _folder = null!;

    [TestCleanup]
    public void DeleteModel() => _folder?.Dispose();

    public static IEnumerable<object[]> Methods() => new WeightPruning[]
    {
        new Wanda { Calibration = s_calibration },
        new SparseGpt { Calibration = s_calibration },
        new SparseGpt { Calibration = s_calibration, Pattern = new NofMPattern(2, 4) },
        new(new ObdCriterion()) { Calibration = s_calibration },
        new(new ObsCriterion()) { Calibration = s_calibration, Update = new LeastSquaresUpdate() },
        new Wanda { Calibration = s_calibration, Update = new BiasCompensation() },
        new TaylorPruning(TaylorOrder.Mixed) { Calibration = s_calibration },
        new MovementScores { Calibration = s_calibration },
    }.Select(m => new object[] { m.ToJson().ToJsonString(), m });

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Prune_OneLayerFromStatistics_GivesTheBitsOfARunWithText(string description, WeightPruning method)
    {
        using LanguageModel model = Open(layers: 1);
        using var folder = new TestFolder();
        using LanguageModel direct = Pruner.Prune(model, method, TinyModel.Texts, PrunedModels.In(folder)).Model;
        string file = Path.Combine(folder.Path, "statistics.safetensors");
        Pruner.SaveStatistics(model, method, TinyModel.Texts, file, PrunedModels.In(folder));
        using StatisticsFile statistics = StatisticsFile.Open(file);
        WeightPruning stored = new(method.Criterion)
        {
            Group = method.Group,
            Pattern = method.Pattern,
            Update = method.Update,
            Statistics = statistics,
        };
        Assert.IsFalse(stored.NeedsCalibration);
        using LanguageModel pruned = Pruner.Prune(model, stored, context: PrunedModels.In(folder)).Model;
        Assert.AreEqual(direct.ContentHash, pruned.ContentHash, description);
    }

    [TestMethod]
    public void Prune_SeveralLayers_TakesTheDenseModelsStatisticsInAll()
    {
        using LanguageModel model = Open(layers: 3);
        using var folder = new TestFolder();
        string file = Path.Combine(folder.Path, "statistics.safetensors");
        Pruner.SaveStatistics(
            model, new SparseGpt { Calibration = s_calibration }, TinyModel.Texts, file, PrunedModels.In(folder));
        using StatisticsFile statistics = StatisticsFile.Open(file);

        // Where all layers compete a run with text takes the same statistics.
        foreach (double sparsity in (double[])[0.3, 0.6])
        {
            using LanguageModel direct = Prune(new Wanda
            {
                Calibration = s_calibration,
                Group = ComparisonGroup.Model,
                Sparsity = sparsity,
            }, TinyModel.Texts);
            using LanguageModel stored = Prune(new Wanda
            {
                Statistics = statistics,
                Group = ComparisonGroup.Model,
                Sparsity = sparsity,
            }, null);
            Assert.AreEqual(direct.ContentHash, stored.ContentHash);
        }

        // Otherwise only the first layer's are the same.
        using LanguageModel sequential = Prune(new SparseGpt { Calibration = s_calibration }, TinyModel.Texts);
        using LanguageModel dense = Prune(new SparseGpt { Statistics = statistics }, null);
        foreach (ParameterSpec p in PrunedModels.Linears(model.Spec))
        {
            Assert.AreEqual(p.Layer == 0, PrunedModels.Bytes(sequential, p.Name).SequenceEqual(
                PrunedModels.Bytes(dense, p.Name)), p.Name);
        }

        Assert.AreEqual(statistics.WindowHash,
            (string)dense.Provenance.Single().Options["statistics"]!["windowHash"]!);

        LanguageModel Prune(WeightPruning method, IEnumerable<string>? texts) =>
            Pruner.Prune(model, method, texts, PrunedModels.In(folder)).Model;
    }

    [TestMethod]
    public void Prune_StatisticsThatDoNotFit_AreRefused()
    {
        using LanguageModel model = Open(layers: 1);
        using var folder = new TestFolder();
        string file = Path.Combine(folder.Path, "statistics.safetensors");
        Pruner.SaveStatistics(
            model, new Wanda { Calibration = s_calibration }, TinyModel.Texts, file, PrunedModels.In(folder));
        using (StatisticsFile statistics = StatisticsFile.Open(file))
        {
            Refused(model, new SparseGpt { Statistics = statistics }, "Hessian");
            using LanguageModel other = RandomModel.Create(model.Spec, seed: 9);
            Refused(other, new Wanda { Statistics = statistics }, "another model");
        }

        Assert.ThrowsExactly<ArgumentException>(() => Pruner.SaveStatistics(
            model, new Magnitude(), TinyModel.Texts, file, PrunedModels.In(folder)));
        SafetensorsWriter.Write(file, [new BytesTensor("a", new byte[1], [1], TensorType.U8)]);
        Assert.ThrowsExactly<CheckpointFormatException>(() => StatisticsFile.Open(file));

        static void Refused(LanguageModel model, WeightPruning method, string mentioned) => StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => Pruner.Prune(model, method)).Message, mentioned);
    }

    private LanguageModel Open(int layers)
    {
        _folder = new TinyModel(TinyModel.Spec with
        {
            Layers = [.. Enumerable.Repeat(TinyModel.Spec.Layers[0], layers)],
        });
        return ML.Pruning.Export.HuggingFaceModel.Open(_folder.Folder);
    }
}
