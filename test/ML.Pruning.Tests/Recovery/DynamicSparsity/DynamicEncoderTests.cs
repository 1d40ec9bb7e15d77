using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Export;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Recovery.DynamicSparsity;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tests.Recovery.DynamicSparsity;

/// <summary>Masks move on classifiers too, and the sparse classifier is saved, loaded and served.</summary>
[TestClass]
public sealed class DynamicEncoderTests
{
    [TestMethod]
    public void FineTuneSparse_SoftMovementOnBert_IsServedFromAZip()
    {
        using var folder = new TestFolder();
        string dense = SaveTrained(folder);
        LabeledText[] training = TinyEncoder.Labeled(200), unseen = TinyEncoder.Labeled(60, seed: 2);
        var ml = new MLContext(seed: 1);
        IDataView data = ml.Data.LoadFromEnumerable(training);
        var pipeline = ml.Transforms.LoadLlm("Model", dense)
            .Append(ml.Transforms.FineTuneSparse(new SparseFineTuningEstimator.Options
            {
                LabelColumnName = "Label",
                FineTuning = new SparseFineTuneOptions
                {
                    Pruning = new Magnitude(),
                    Schedule = new SparsitySchedule { RampFraction = 0.5 },
                    Dynamics = new SoftMovementPruning { Penalty = 3, ScoreLearningRate = 0.2 },
                    Training = Options(folder, 60),
                },
            }))
            .Append(ml.Transforms.ClassifyText());
        using var fitted = pipeline.Fit(data);
        SparseFineTuneReport report = ((SparseFineTuningTransformer)fitted.ElementAt(1)).Report!;
        Assert.IsTrue(report.Sparsity is > 0.05 and < 0.95, $"{report.Sparsity}");

        string zip = Path.Combine(folder.Path, "sparse.zip");
        using (var compact = ml.Model.CompactLlm(fitted)) ml.Model.Save(compact, data.Schema, zip);
        var consumer = new MLContext();
        ITransformer loaded = consumer.Model.Load(zip, out _);
        string[] predicted = [.. loaded.Transform(consumer.Data.LoadFromEnumerable(unseen))
            .GetColumn<string>("PredictedLabel")];
        double right = unseen.Zip(predicted).Average(
            row => row.First.Label == row.Second || row is { First.Label: "0", Second: "negative" } ? 1.0 : 0);
        Assert.IsGreaterThan(0.8, right);
        using LanguageModel stored = LanguageModelSource.Open(zip);
        foreach (TensorReport tensor in report.Tensors)
            Assert.AreEqual(tensor.ZerosAfter, stored.Weights[tensor.Name].ToArray().Count(w => w == 0), tensor.Name);
        (loaded as IDisposable)?.Dispose();
    }

    [TestMethod]
    public void Train_MovementOfHeadsAndRigL_KeepTheirSparsityOnBert()
    {
        using var folder = new TestFolder();
        using LanguageModel dense = HuggingFaceModel.Open(SaveTrained(folder));
        TrainingExamples examples = TrainingExamples.FromLabels(TinyEncoder.Labeled(200), dense);
        SparsityDynamics[] all =
            [new MovementPruning { Granularity = ScoreGranularity.Head }, new RigL { Interval = 5 }];
        foreach (SparsityDynamics dynamics in all)
        {
            SparseFineTuneResult result = SparseFineTuner.Train(dense, examples, new SparseFineTuneOptions
            {
                Pruning = new Magnitude { Sparsity = 0.5 },
                Schedule = dynamics is RigL ? SparsitySchedule.OneShot : new SparsitySchedule(),
                Dynamics = dynamics,
                Training = Options(folder, 40),
            });
            using LanguageModel trained = result.Model;
            Assert.AreEqual(0.5, result.Report.Sparsity, 1e-2, dynamics.Name);
            double accuracy =
                AccuracyEvaluator.Evaluate(trained, TinyEncoder.Labeled(60, seed: 2), EngineKind.Torch).Accuracy;
            Assert.IsGreaterThan(0.8, accuracy, dynamics.Name);
            if (dynamics is RigL) continue;

            // A head of four rows goes as a whole.
            float[] query = trained.Weights[TensorNames.Weight(0, TensorNames.Query)].ToArray();
            Assert.AreEqual(2, query.Chunk(4 * 16).Count(head => head.All(w => w == 0)));
            Assert.AreEqual(128, query.Count(w => w == 0));
        }
    }

    private static TrainingOptions Options(TestFolder folder, int steps) => new()
    {
        Steps = steps,
        BatchSize = 16,
        LearningRate = 3e-3,
        ValidationExamples = 32,
        ValidationInterval = 20,
        WeightDecay = 0,
        TempFolder = folder.Path,
    };

    private static string SaveTrained(TestFolder folder)
    {
        using LanguageModel start = TinyEncoder.Create();
        TrainingExamples examples = TrainingExamples.FromLabels(TinyEncoder.Labeled(300), start);
        using LanguageModel trained = LanguageModelTrainer.Train(start, examples, Options(folder, 100)).Model;
        string path = Path.Combine(folder.Path, "dense");
        HuggingFaceModel.Save(trained, path);
        return path;
    }
}
