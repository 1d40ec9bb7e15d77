using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Recovery.DynamicSparsity;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Recovery.DynamicSparsity;

/// <summary>RigL and SET: as many come back as go, by sorting; ERK sums; properties by definition.</summary>
[TestClass]
public class DropAndGrowTests
{
    [TestMethod]
    public void FractionAt_IsHalfACosine()
    {
        var rigl = new RigL { DropFraction = 0.4, StopFraction = 0.5 };
        Assert.AreEqual(0.4, rigl.FractionAt(0, 100), 1e-15);
        Assert.AreEqual(0.2, rigl.FractionAt(25, 100), 1e-15);
        Assert.AreEqual(0.2 * (1 + Math.Cos(Math.PI * 0.8)), rigl.FractionAt(40, 100), 1e-15);
        Assert.AreEqual(0, rigl.FractionAt(50, 100));
        Assert.AreEqual(0, rigl.FractionAt(99, 100));
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Update_DropsTheSmallestAndGrowsTheHighest_FromZeroAndForgotten(bool isRigL)
    {
        var random = new Random(11);
        float[] weights = new float[240], gradient = new float[240];
        for (int i = 0; i < 240; i++)
        {
            weights[i] = i % 3 == 0 ? 0 : random.NextSingle() - 0.5f;
            gradient[i] = random.NextSingle() - 0.5f;
        }

        using var parameter = new Parameter(tensor(weights, [12, 20]));
        using var parameters = new TrainedParameters(
            [("w", parameter)], new TrainingOptions { Steps = 10, WeightDecay = 0, LearningRate = 0.1 });
        DropAndGrow dynamics = isRigL ? new RigL() : new SparseEvolution();
        using var keeper = new MaskKeeper([("w", parameter)], new DropAndGrowMasks(dynamics, 10, 2, seed: 4));
        parameter.grad = tensor(gradient, [12, 20]);
        keeper.GradientsReady(1);
        Assert.IsFalse(keeper.SkipsStep);
        CollectionAssert.AreEqual(weights, parameters.Values()[0]);

        // A step, so that there is something to forget; then a change.
        parameters.Step();
        keeper.WeightsMoved(1, parameters);
        float[] before = parameters.Values()[0];
        parameter.grad = tensor(gradient, [12, 20]);
        keeper.GradientsReady(2);
        Assert.IsTrue(keeper.SkipsStep);
        keeper.WeightsMoved(2, parameters);
        TrainedParameters.Snapshot after = parameters.TakeSnapshot();
        float[] mask = keeper.Save()["mask.w"];
        int dropped = (int)(160 * dynamics.FractionAt(2, 10));
        Assert.IsGreaterThan(20, dropped);
        HashSet<int> stay = [.. Enumerable.Range(0, 240).Where(i => before[i] != 0)
            .OrderByDescending(i => Math.Abs(before[i])).Take(160 - dropped)];
        Assert.AreEqual(160, mask.Count(m => m == 1));
        Assert.IsTrue(stay.All(i => mask[i] == 1 && after.Values[0][i] == before[i]));
        if (isRigL)
        {
            HashSet<int> grown = [.. Enumerable.Range(0, 240).Where(i => !stay.Contains(i))
                .OrderByDescending(i => Math.Abs(gradient[i])).Take(dropped)];
            Assert.IsTrue(Enumerable.Range(0, 240).All(i => mask[i] == 1 == (stay.Contains(i) || grown.Contains(i))));
        }

        int fresh = 0;
        for (int i = 0; i < 240; i++)
        {
            bool isNew = before[i] == 0 && mask[i] == 1;
            if (isNew) fresh++;
            if (mask[i] == 0 || isNew)
            {
                Assert.AreEqual(0f, after.Values[0][i], $"{i}");
                Assert.AreEqual(0f, after.Means[0][i], $"{i}");
                Assert.AreEqual(0f, after.Squares[0][i], $"{i}");
            }
        }

        Assert.IsGreaterThan(0, fresh);
    }

    [TestMethod]
    [DataRow("rigl")]
    [DataRow("set")]
    public void Train_FromErk_KeepsEachMatrixItsZerosAndMovesThem(string name)
    {
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Model();
        var random = new RandomPruning { Sparsity = 0.7, Allocation = new ErkAllocation(),
            Group = ComparisonGroup.Tensor };
        using LanguageModel start = Pruner.Prune(dense, random).Model;
        SparseFineTuneOptions options = DynamicRuns.Options(folder, name) with { Pruning = random };
        SparseFineTuneResult result = DynamicRuns.Train(dense, options);
        using LanguageModel trained = result.Model;
        Assert.AreEqual(0.7, result.Report.Sparsity, 14.0 / result.Report.Tensors.Sum(t => t.Elements));
        Assert.AreNotEqual(result.Report.Tensors.Min(t => t.Sparsity), result.Report.Tensors.Max(t => t.Sparsity), 0.1);
        int moved = 0;
        foreach (TensorReport report in result.Report.Tensors)
        {
            float[] before = start.Weights[report.Name].ToArray(), after = trained.Weights[report.Name].ToArray();
            int zeros = before.Count(w => w == 0);
            Assert.AreEqual(zeros, report.ZerosBefore, report.Name);

            // One that came back at the last change is 0 until the next step, which there is.
            Assert.AreEqual(zeros, after.Count(w => w == 0), report.Name);
            moved += before.Zip(after).Count(w => w.First == 0 && w.Second != 0);
        }

        Assert.IsGreaterThan(50, moved);
        Assert.IsLessThan(result.Report.Training.InitialLoss!.Value, result.Report.Training.BestLoss!.Value);
        Assert.AreEqual(name, trained.Provenance[^1].Method);
    }
}
