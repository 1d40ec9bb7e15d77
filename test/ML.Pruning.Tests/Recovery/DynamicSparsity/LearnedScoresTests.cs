using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Recovery.DynamicSparsity;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Recovery.DynamicSparsity;

/// <summary>Movement pruning, soft movement pruning and edge-popup against their closed forms.</summary>
[TestClass]
public class LearnedScoresTests
{
    private static readonly float[] s_weights =
        [0.5f, -1, 2, 0.25f, -0.5f, 1.5f, 3, -2, 1, 0.75f, -0.25f, 1];

    [TestMethod]
    [DataRow("unstructured", 1, 1)]
    [DataRow("block:2x2", 2, 2)]
    [DataRow("block:2x3", 2, 3)]
    public void Movement_FixedGradients_AccumulateMinusRateGradientTimesWeight(string pattern, int rows, int columns)
    {
        var movement = new MovementPruning { ScoreOptimizer = ScoreOptimizer.Sum, ScoreLearningRate = 0.2 };
        using var parameter = new Parameter(tensor(s_weights, [3, 4]));
        DynamicsContext context = DynamicRuns.Context(
            parameter, 0.5, new SparsitySchedule { RampFraction = 0.5 }, SparsityPattern.Parse(pattern));
        using var parameters = new TrainedParameters(context.Parameters, context.Training);
        using TrainingSetup setup = movement.SetUp(context);
        TrainingHook hook = setup.Hooks[0];
        var random = new Random(3);
        int blocksAcross = (4 + columns - 1) / columns, blocks = (3 + rows - 1) / rows * blocksAcross;
        double[] expected = new double[blocks];
        int Block(int i) => i / 4 / rows * blocksAcross + i % 4 / columns;
        for (int step = 0; step < 5; step++)
        {
            float[] gradient = [.. Enumerable.Range(0, 12).Select(_ => random.NextSingle() - 0.5f)];
            double rate = step == 4 ? 0.25 : 0.5;
            parameters.SetLearningRate(rate);
            parameter.grad = tensor(gradient, [3, 4]);
            float[] mask = hook.Save()["mask." + context.Parameters[0].Name];
            hook.GradientsReady(step);

            // The optimizer is to see all weights, and gradients of those shown.
            CollectionAssert.AreEqual(s_weights, TrainedParameters.Copy(parameter));
            using (Tensor left = parameter.grad!)
                CollectionAssert.AreEqual(gradient.Zip(mask, (g, m) => g * m).ToArray(), TrainedParameters.Copy(left));
            hook.WeightsMoved(step, parameters);
            for (int i = 0; i < 12; i++) expected[Block(i)] -= 0.2 * rate / 0.5 * gradient[i] * s_weights[i];
        }

        float[] scores = hook.Save()["score." + context.Parameters[0].Name];
        for (int i = 0; i < blocks; i++) Assert.AreEqual(expected[i], scores[i], 1e-6, $"{i}");
        HashSet<int> gone = [.. Enumerable.Range(0, blocks).OrderBy(i => expected[i]).Take(blocks / 2)];
        float[] shown = [.. s_weights.Select((w, i) => gone.Contains(Block(i)) ? 0 : w)];
        CollectionAssert.AreEqual(shown, TrainedParameters.Copy(parameter));
        Assert.IsTrue(hook.IsComplete);
    }

    [TestMethod]
    public void SoftMovement_KeepsExactlyWhatIsAboveTheThreshold()
    {
        const double Lambda = 40, Rate = 0.3;
        var soft = new SoftMovementPruning
        {
            ScoreOptimizer = ScoreOptimizer.Sum,
            ScoreLearningRate = Rate,
            Penalty = Lambda,
            Threshold = 0.4,
        };
        using var parameter = new Parameter(tensor(s_weights, [3, 4]));
        DynamicsContext context = DynamicRuns.Context(
            parameter, 0, new SparsitySchedule { Kind = RampKind.Linear, RampFraction = 1 });
        using var parameters = new TrainedParameters(context.Parameters, context.Training);
        parameters.SetLearningRate(context.Training.LearningRate!.Value);
        using TrainingSetup setup = soft.SetUp(context);
        TrainingHook hook = setup.Hooks[0];
        Assert.AreEqual(Rate, soft.ResolveRate(10));
        Assert.AreEqual(0.1, (soft with { ScoreLearningRate = null }).ResolveRate(100));
        Assert.AreEqual(0.01, (soft with { ScoreLearningRate = null }).ResolveRate(2000));
        float[] gradient = [.. Enumerable.Range(0, 12).Select(i => i % 2 == 0 ? 0 : -0.8f / s_weights[i])];
        double[] expected = new double[12];
        for (int step = 0; step < 5; step++)
        {
            parameter.grad = tensor(gradient, [3, 4]);
            hook.GradientsReady(step);
            hook.WeightsMoved(step, parameters);
            double share = step / 4.0;
            for (int i = 0; i < 12; i++)
            {
                double sigmoid = 1 / (1 + Math.Exp(-expected[i]));
                double passed = i % 2 == 0 ? 0 : -0.8;
                expected[i] -= Rate * (passed + Lambda * share * sigmoid * (1 - sigmoid) / 12);
            }

            float[] mask = hook.Save()["mask." + context.Parameters[0].Name];
            for (int i = 0; i < 12; i++)
                Assert.AreEqual(1 / (1 + Math.Exp(-expected[i])) > 0.4 * share, mask[i] == 1, $"{step} {i}");
        }

        float[] scores = hook.Save()["score." + context.Parameters[0].Name];
        for (int i = 0; i < 12; i++) Assert.AreEqual(expected[i], scores[i], 1e-5, $"{i}");
        Assert.AreEqual(6, TrainedParameters.Copy(parameter).Count(w => w == 0));
    }

    [TestMethod]
    [DataRow(ScoreGranularity.Row)]
    [DataRow(ScoreGranularity.Head)]
    public void Train_RowsOrHeads_GoWhole(ScoreGranularity granularity)
    {
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Model();
        SparseFineTuneOptions options = DynamicRuns.Options(folder, "movement", sparsity: 0.5) with
        {
            Dynamics = new MovementPruning { Granularity = granularity },
        };
        SparseFineTuneResult result = DynamicRuns.Train(dense, options);
        using LanguageModel trained = result.Model;
        Assert.AreEqual(0.5, result.Report.Sparsity, 1e-12);
        bool isHead = granularity == ScoreGranularity.Head;
        AssertWhole(trained, TensorNames.Weight(0, TensorNames.Query), isHead ? 4 : 1, 16);
        AssertWhole(trained, TensorNames.Weight(1, TensorNames.Output), isHead ? 16 : 1, isHead ? 4 : 16);
        AssertWhole(trained, TensorNames.Weight(1, TensorNames.Down), 1, 24);
    }

    [TestMethod]
    public void Train_EdgePopup_MovesNoWeight()
    {
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Train(
            TinyTraining.Model(), TinyTraining.Windows(), TinyTraining.Options(folder, 60));
        SparseFineTuneResult result = DynamicRuns.Train(dense, DynamicRuns.Options(folder, "edge-popup", 0.3));
        using LanguageModel trained = result.Model;
        Assert.AreEqual(0.3, result.Report.Sparsity, 1e-2);
        foreach ((string name, StoredTensor weight) in dense.Weights)
        {
            float[] before = weight.ToArray(), after = trained.Weights[name].ToArray();
            bool isPruned = trained.MaskedTensors.Contains(name);
            for (int i = 0; i < before.Length; i++)
                Assert.IsTrue(before[i] == after[i] || isPruned && after[i] == 0, $"{name} {i}");
        }

        TrainingReport report = result.Report.Training;
        Assert.IsLessThan(report.InitialLoss!.Value - 0.2, report.BestLoss!.Value);
        SparseFineTuneResult all = DynamicRuns.Train(dense, DynamicRuns.Options(folder, "edge-popup", 0, steps: 4));
        using LanguageModel same = all.Model;
        foreach ((string name, StoredTensor weight) in dense.Weights)
            CollectionAssert.AreEqual(weight.ToArray(), same.Weights[name].ToArray(), name);
    }

    private static void AssertWhole(LanguageModel model, string name, int rows, int columns)
    {
        StoredTensor tensor = model.Weights[name];
        float[] values = tensor.ToArray();
        int width = (int)tensor.Shape[1];
        foreach (var block in Enumerable.Range(0, values.Length)
            .GroupBy(i => (i / width / rows, i % width / columns)))
        {
            int zeros = block.Count(i => values[i] == 0);
            Assert.IsTrue(zeros == 0 || zeros == rows * columns, $"{name} {block.Key}: {zeros}");
        }
    }
}
