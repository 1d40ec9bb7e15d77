using ML.Pruning.Models;
using ML.Pruning.Recovery;
using ML.Pruning.Recovery.DynamicSparsity;
using ML.Pruning.Tests.Checkpoints;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Recovery.DynamicSparsity;

/// <summary>Lottery tickets go back to the very weights that they had; rounds and rates by definition.</summary>
[TestClass]
public class LotteryTicketTests
{
    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    public void WeightsMoved_EndOfARound_RewindsWhatStaysBitByBit(int rewindStep)
    {
        var random = new Random(9);
        float[] start = [.. Enumerable.Range(0, 40).Select(_ => random.NextSingle() - 0.5f)];
        using var parameter = new Parameter(tensor(start, [5, 8]));
        DynamicsContext context = DynamicRuns.Context(parameter, 0.75, steps: 9);
        using var parameters = new TrainedParameters(context.Parameters, context.Training);
        using TrainingSetup setup = new LotteryTicket { Rounds = 2, RewindStep = rewindStep }.SetUp(context);
        TrainingHook hook = setup.Hooks[0];
        int length = (9 + 2 * rewindStep) / 3, round = 0;
        float[] early = start;
        for (int step = 0; step < 9; step++)
        {
            parameters.SetLearningRate(setup.LearningRateAt!(step));
            parameter.grad = tensor(Enumerable.Range(0, 40).Select(_ => random.NextSingle() - 0.5f).ToArray(), [5, 8]);
            hook.GradientsReady(step);
            parameters.Step();
            float[] trained = parameters.Values()[0];
            hook.WeightsMoved(step, parameters);
            TrainedParameters.Snapshot after = parameters.TakeSnapshot();
            if (step + 1 == rewindStep) early = after.Values[0];
            bool ends = round < 2 && step + 1 == length + round * (length - rewindStep);
            Assert.AreEqual(ends, hook.StartsAnew, $"{step}");
            if (!ends) continue;
            round++;
            int kept = 40 - (int)(40 * (1 - Math.Pow(0.25, round / 2.0)));
            HashSet<int> stay = [.. Enumerable.Range(0, 40).OrderByDescending(i => Math.Abs(trained[i])).Take(kept)];
            CollectionAssert.AreEqual(
                early.Select((w, i) => stay.Contains(i) ? w : 0).ToArray(), after.Values[0], $"{step}");
            Assert.IsTrue(after.Means[0].Concat(after.Squares[0]).All(m => m == 0));
            Assert.AreEqual(0, after.Step);
            Assert.AreEqual(round == 2, hook.IsComplete);
        }

        Assert.AreEqual(2, round);
    }

    [TestMethod]
    public void Rounds_EndAtTheSamePointOfTheSchedule()
    {
        var rounds = new TicketRounds(Steps: 102, Rounds: 4, RewindStep: 5);
        Assert.AreEqual(24, rounds.Length);
        Assert.AreEqual(0, rounds.RoundOf(23));
        Assert.AreEqual(23, rounds.PositionOf(23));
        Assert.AreEqual(1, rounds.RoundOf(24));
        Assert.AreEqual(5, rounds.PositionOf(24));
        Assert.AreEqual(23, rounds.PositionOf(42));
        Assert.AreEqual(5, rounds.PositionOf(43));
        Assert.AreEqual(4, rounds.RoundOf(101));
        Assert.AreEqual(25, rounds.PositionOf(101));
    }

    [TestMethod]
    public void Train_Ticket_EndsAtItsSparsityAndLearns()
    {
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Model();
        var seen = new List<double>();
        SparseFineTuneResult result = DynamicRuns.Train(dense, DynamicRuns.Options(folder, "lottery", 0.6, steps: 100),
            report => seen.Add(report.Sparsity!.Value));
        using LanguageModel trained = result.Model;
        Assert.AreEqual(0.6, result.Report.Sparsity, 3e-3);
        for (int round = 0; round <= 3; round++)
        {
            double expected = 1 - Math.Pow(0.4, round / 3.0);
            Assert.IsTrue(seen.Any(s => Math.Abs(s - expected) < 4e-3), $"{round}");
        }

        Assert.IsGreaterThan(77, result.Report.Training.BestStep);
        Assert.AreEqual(0, result.Report.Training.Rollbacks);
        Assert.IsLessThan(result.Report.Training.InitialLoss!.Value - 0.5, result.Report.Training.BestLoss!.Value);
    }
}
