using System.Text.Json.Nodes;

namespace ML.Pruning.Recovery;

/// <summary>How a model is trained.</summary>
public sealed record TrainingOptions
{
    /// <summary>Optimizer steps, at least 1.</summary>
    public int Steps { get; init; } = 1000;

    /// <summary>Windows a step, at least 1.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>Highest learning rate, reached after the warm-up; positive.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Learning rate at the end as a fraction of the highest, in [0, 1].</summary>
    public double FinalLearningRateFraction { get; init; } = 0.1;

    /// <summary>Steps of the linear warm-up, from 0 to <see cref="Steps"/>; null = a twentieth of them.</summary>
    public int? WarmupSteps { get; init; }

    /// <summary>Decoupled weight decay of the matrices, at least 0; vectors (norms, biases) have none.</summary>
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>Decay of the mean of the gradients, in [0, 1).</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the mean of their squares, in [0, 1).</summary>
    public double Beta2 { get; init; } = 0.95;

    /// <summary>Added to the root of the mean square, positive.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Largest joint norm of all gradients; larger ones are scaled down to it. Positive.</summary>
    public double MaxGradientNorm { get; init; } = 1;

    /// <summary>Windows at the end of the corpus that are held out, at least 0; null = a tenth, from 1 to 64. With 0
    /// the last weights are kept instead of the best.</summary>
    public int? ValidationWindows { get; init; }

    /// <summary>Steps between two measurements on the held-out windows, at least 1; the start and the end are always
    /// measured.</summary>
    public int ValidationInterval { get; init; } = 100;

    /// <summary>Seed of the order of the windows.</summary>
    public int Seed { get; init; }

    /// <summary>Folder for the trained weights: a temporary file that goes when the last model using it is disposed or
    /// collected.</summary>
    public string TempFolder { get; init; } = Path.GetTempPath();

    private int Warmup => WarmupSteps ?? Steps / 20;

    /// <summary>The learning rate of a step.</summary>
    /// <remarks>(s + 1) / W times the highest in the warm-up of W steps; then half a cosine (Loshchilov and Hutter
    /// 2017, arXiv:1608.03983, eq. 5, one cycle) down to the final one.</remarks>
    /// <param name="step">Step s, from 0.</param>
    /// <returns>The learning rate.</returns>
    public double LearningRateAt(int step)
    {
        if (step < Warmup) return LearningRate * (step + 1) / Warmup;
        double done = Math.Min(1, (double)(step - Warmup) / Math.Max(1, Steps - 1 - Warmup));
        double final = LearningRate * FinalLearningRateFraction;
        return final + (LearningRate - final) * (1 + Math.Cos(Math.PI * done)) / 2;
    }

    /// <summary>Every option that influences the result.</summary>
    internal JsonObject ToJson() => new()
    {
        ["steps"] = Steps,
        ["batchSize"] = BatchSize,
        ["learningRate"] = LearningRate,
        ["finalLearningRateFraction"] = FinalLearningRateFraction,
        ["warmupSteps"] = Warmup,
        ["weightDecay"] = WeightDecay,
        ["beta1"] = Beta1,
        ["beta2"] = Beta2,
        ["epsilon"] = Epsilon,
        ["maxGradientNorm"] = MaxGradientNorm,
        ["validationInterval"] = ValidationInterval,
        ["seed"] = Seed,
    };

    /// <summary>Checks the values and settles how many windows are held out.</summary>
    /// <param name="windows">Windows of the corpus.</param>
    /// <returns>Windows held out.</returns>
    /// <exception cref="ArgumentException">A value is out of range, or the corpus is too short.</exception>
    internal int Validate(int windows)
    {
        Require(Steps >= 1, "number of steps", Steps, "at least 1");
        Require(BatchSize >= 1, "batch size", BatchSize, "at least 1");
        Require(IsPositive(LearningRate), "learning rate", LearningRate, "positive and finite");
        Require(FinalLearningRateFraction is >= 0 and <= 1, "final learning-rate fraction", FinalLearningRateFraction,
            "from 0 to 1");
        Require(Warmup >= 0 && Warmup <= Steps, "number of warm-up steps", Warmup, $"from 0 to {Steps}");
        Require(WeightDecay >= 0 && double.IsFinite(WeightDecay), "weight decay", WeightDecay, "finite and at least 0");
        Require(Beta1 is >= 0 and < 1, "first beta", Beta1, "at least 0 and below 1");
        Require(Beta2 is >= 0 and < 1, "second beta", Beta2, "at least 0 and below 1");
        Require(IsPositive(Epsilon), "epsilon", Epsilon, "positive and finite");
        Require(IsPositive(MaxGradientNorm), "largest gradient norm", MaxGradientNorm, "positive and finite");
        Require(ValidationInterval >= 1, "validation interval", ValidationInterval, "at least 1");
        int heldOut = ValidationWindows ?? Math.Clamp(windows / 10, 1, 64);
        Require(heldOut >= 0 && heldOut < windows, "number of held-out windows", heldOut,
            $"at least 0 and below the corpus's {windows} windows; give more text or shorter windows");
        return heldOut;
    }

    private static bool IsPositive(double value) => value > 0 && double.IsFinite(value);

    private static void Require(bool isLegal, string what, double value, string legal)
    {
        if (!isLegal) throw new ArgumentException($"The {what} is {value}; it must be {legal}.");
    }
}
