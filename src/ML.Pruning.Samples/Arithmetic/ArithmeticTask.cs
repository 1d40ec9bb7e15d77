using System.Globalization;
using ML.Pruning.Calibration;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;

namespace ML.Pruning.Samples.Arithmetic;

/// <summary>What a model came to.</summary>
/// <param name="Treatment">What was done to it.</param>
/// <param name="Sparsity">Fraction of zeros in the pruned matrices, counted in the weights.</param>
/// <param name="Solved">Held-out problems whose answer it found.</param>
/// <param name="Problems">Held-out problems.</param>
/// <param name="Loss">Held-out loss of the training, in nats a token of the solution; null without training.</param>
public sealed record ArithmeticScore(string Treatment, double Sparsity, int Solved, int Problems, double? Loss)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Treatment}: {Solved} of {Problems} solved, sparsity {Sparsity:F4}, held-out loss {Loss:F4}");
}

/// <summary>Teaches a model two-step arithmetic, then makes it sparse and trains it again, after Kurtic et al. 2023,
/// arXiv:2310.06927: SparseGPT on the trained model, its masks kept, the dense model as teacher.</summary>
/// <remarks>Trained on solutions only (the question is given); scored by whether the last number of a greedy
/// continuation is the answer, on problems whose calculations are in no training problem.</remarks>
/// <param name="start">The model to teach.</param>
public sealed class ArithmeticTask(LanguageModel start)
{
    private const int Seed = 1;
    private const int BatchSize = 32;

    /// <summary>Problems to train on.</summary>
    public int TrainingProblems { get; init; } = 8000;

    /// <summary>Held-out problems to score by.</summary>
    public int TestProblems { get; init; } = 200;

    /// <summary>Steps of the dense training.</summary>
    public int DenseSteps { get; init; } = 400;

    /// <summary>Steps of each sparse training.</summary>
    public int SparseSteps { get; init; } = 150;

    /// <summary>Sparsities to reach, each from the dense model.</summary>
    public IReadOnlyList<double> Sparsities { get; init; } = [0.5, 0.7, 0.8];

    /// <summary>Told about the steps.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>Carries the task out.</summary>
    /// <returns>Scores as they come: the model as it was, trained dense, and for each sparsity pruned and
    /// trained.</returns>
    public IEnumerable<ArithmeticScore> Run()
    {
        TrainingExamples examples = TrainingExamples.FromPairs(
            ArithmeticGrammar.Write(TrainingProblems, Seed, heldOut: false).Select(Pair), start);
        yield return Score("as it was", start, 0, null);

        var training = new TrainingOptions
        {
            Steps = DenseSteps,
            BatchSize = BatchSize,
            LearningRate = 2e-3,
            WeightDecay = 0,
            Beta2 = 0.999,
        };
        TrainingResult dense = LanguageModelTrainer.Train(start, examples, training, progress: Progress);
        using LanguageModel teacher = dense.Model;
        yield return Score("dense", teacher, 0, dense.Report.BestLoss);

        foreach (double sparsity in Sparsities)
        {
            var options = new SparseFineTuneOptions
            {
                Pruning = new SparseGpt
                {
                    Sparsity = sparsity,
                    Calibration = new CalibrationOptions { Samples = 64 },
                },
                Training = training with { Steps = SparseSteps },
            };
            SparseFineTuneResult sparse = SparseFineTuner.Train(
                teacher, examples, options, teacher, progress: Progress);
            using LanguageModel trained = sparse.Model;
            yield return Score($"{sparsity:P0} sparse", trained, sparse.Report.Sparsity,
                sparse.Report.Training.BestLoss);
        }
    }

    /// <summary>How a problem is put to a model.</summary>
    /// <param name="problem">The problem.</param>
    public static InstructionPair Pair(WordProblem problem) => new(problem.Question, " " + problem.Solution);

    /// <summary>Counts the held-out problems that a model solves.</summary>
    /// <param name="model">The model.</param>
    /// <param name="count">How many problems.</param>
    public static int CountSolved(LanguageModel model, int count)
    {
        WordProblem[] problems = [.. ArithmeticGrammar.Write(count, Seed, heldOut: true)];
        var generator = new TextGenerator(model, new GenerationOptions { MaxNewTokens = 64 });
        IReadOnlyList<GenerationResult> answers = generator.Generate([.. problems.Select(p => p.Question)]);
        return problems.Zip(answers, (problem, answer) => problem.IsSolvedBy(answer.Text[problem.Question.Length..]))
            .Count(solved => solved);
    }

    private ArithmeticScore Score(string treatment, LanguageModel model, double sparsity, double? loss) =>
        new(treatment, sparsity, CountSolved(model, TestProblems), TestProblems, loss);
}
