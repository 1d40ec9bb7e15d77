using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Recovery;
using ML.Pruning.Samples.Arithmetic;
using ML.Pruning.Samples.EmbeddedModel;

namespace ML.Pruning.Tests.Samples;

/// <summary>The arithmetic task's steps on few problems: what is trained, pruned and counted.</summary>
[TestClass]
public sealed class ArithmeticTaskTests
{
    [TestMethod]
    public void Run_FewSteps_ScoresEveryTreatmentAndLearns()
    {
        using LanguageModel model = HuggingFaceModel.Open(EmbeddedModelFiles.Folder);
        var task = new ArithmeticTask(model)
        {
            TrainingProblems = 60,
            TestProblems = 2,
            DenseSteps = 4,
            SparseSteps = 2,
            Sparsities = [0.5],
        };
        ArithmeticScore[] scores = [.. task.Run()];
        Assert.HasCount(3, scores);
        Assert.IsNull(scores[0].Loss);
        Assert.AreEqual(0, scores[0].Solved); // a model of stories writes no numbers
        Assert.AreEqual(0, scores[1].Sparsity);
        Assert.AreEqual(0.5, scores[2].Sparsity, 0.01);
        Assert.IsLessThan(9, scores[1].Loss!.Value); // about 9.5 nats a token before
        Assert.IsTrue(scores.All(s => s.Problems == 2 && s.Solved is >= 0 and <= 2));
    }

    [TestMethod]
    public void Pair_Problem_JoinsToQuestionAndSolution()
    {
        WordProblem problem = ArithmeticGrammar.Write(1, seed: 3, heldOut: true).Single();
        InstructionPair pair = ArithmeticTask.Pair(problem);
        Assert.AreEqual($"{problem.Question} {problem.Solution}", pair.Prompt + pair.Response);
        Assert.IsTrue(problem.IsSolvedBy(pair.Response));
    }
}
