using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Recovery;

namespace ML.Pruning.Samples.Arithmetic;

/// <summary>Teaches a model two-step arithmetic, and shows what of it survives pruning and sparse fine-tuning. Takes
/// some minutes.</summary>
public static class LearnArithmetic
{
    /// <summary>Runs the sample.</summary>
    /// <param name="modelFolder">A Hugging Face folder.</param>
    public static void Example(string modelFolder)
    {
        using LanguageModel model = HuggingFaceModel.Open(modelFolder);
        WordProblem problem = ArithmeticGrammar.Write(1, seed: 1, heldOut: true).Single();
        Console.WriteLine($"{problem.Question} {problem.Solution}");
        var task = new ArithmeticTask(model) { Progress = new Printer() };
        foreach (ArithmeticScore score in task.Run()) Console.WriteLine(score);
    }

    private sealed class Printer : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.ValidationLoss is { } loss)
                Console.Error.WriteLine($"step {value.Step} of {value.Steps}: held-out loss {loss:F4}");
        }
    }
}
