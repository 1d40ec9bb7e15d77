using System.Text.Json.Nodes;
using ML.Pruning.Models;

namespace ML.Pruning.Recovery;

/// <summary>How a model is trained.</summary>
public sealed record TrainingOptions
{
    private const int FewestSteps = 200;
    private const int MostSteps = 1000;
    private const double HighestLearningRate = 1e-3;
    private const double WidthOfHighest = 64;

    /// <summary>Optimizer steps, at least 1; null = two passes over the examples, but at least 200 and at most 1000
    /// steps.</summary>
    public int? Steps { get; init; }

    /// <summary>Examples that are run together, at least 1.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>Batches whose gradients are added up before a step, at least 1.</summary>
    public int AccumulationSteps { get; init; } = 1;

    /// <summary>Highest learning rate, reached after the warm-up; positive. Null = 0.064 / hidden size, at most 1e-3;
    /// for adapters see <see cref="LoraOptions"/>.</summary>
    /// <remarks>Wider models need lower rates (Yang et al. 2022, arXiv:2203.03466: with Adam those of matrices go with
    /// one over the width).</remarks>
    public double? LearningRate { get; init; }

    /// <summary>How the learning rate goes down after the warm-up.</summary>
    public LearningRateDecay Decay { get; init; } = LearningRateDecay.Cosine;

    /// <summary>Learning rate at the end as a fraction of the highest, in [0, 1]; of no effect when it is
    /// constant.</summary>
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

    /// <summary>Largest joint norm of all gradients, positive; larger ones are scaled down to it. Null = they are
    /// not.</summary>
    public double? MaxGradientNorm { get; init; } = 1;

    /// <summary>Examples at the end that are held out, at least 0; null = a tenth, from 1 to 64. With 0 the last
    /// weights are kept instead of the best.</summary>
    public int? ValidationExamples { get; init; }

    /// <summary>Steps between two measurements on the held-out examples, at least 1; the start and the end are always
    /// measured. Null = a tenth of the steps, from 10 to 100.</summary>
    public int? ValidationInterval { get; init; }

    /// <summary>Measurements in a row without a new best after which the run stops, at least 1; null = it goes
    /// on.</summary>
    public int? EarlyStoppingPatience { get; init; }

    /// <summary>A loss spike is three batches in a row whose loss is this many standard deviations (and a tenth) above
    /// the mean of the last 32; the run then goes back to the last measurement and on with half the rate. Positive;
    /// null = never.</summary>
    public double? SpikeDeviations { get; init; } = 6;

    /// <summary>What the model computes in; trained weights and their moments stay float32.</summary>
    public ComputePrecision Precision { get; init; } = ComputePrecision.Float32;

    /// <summary>Folder for the state of the run, so that it can be resumed; it is made if need be. The state is written
    /// on cancellation too, and deleted when the run is through. Null = none is kept.</summary>
    public string? CheckpointFolder { get; init; }

    /// <summary>Steps between two checkpoints, at least 1.</summary>
    public int CheckpointInterval { get; init; } = 100;

    /// <summary>Go on from the state in <see cref="CheckpointFolder"/>, if there is one. The result has the same bits
    /// as that of an unbroken run.</summary>
    public bool Resume { get; init; }

    /// <summary>Leave the state in <see cref="CheckpointFolder"/> when the run is through, for a caller who stores the
    /// result and then calls <see cref="DiscardState"/>: resuming gives the result again.</summary>
    public bool KeepState { get; init; }

    /// <summary>Seed of the order of the examples and of dropout.</summary>
    public int Seed { get; init; }

    /// <summary>Folder for the trained weights: a temporary file that goes when the last model using it is disposed or
    /// collected.</summary>
    public string TempFolder { get; init; } = Path.GetTempPath();

    /// <summary>Examples a step.</summary>
    internal int ExamplesPerStep => BatchSize * AccumulationSteps;

    /// <summary>The learning rate of a step.</summary>
    /// <remarks>(s + 1) / W times the highest in the warm-up of W steps; then down to the final one as
    /// <see cref="Decay"/> says.</remarks>
    /// <param name="step">Step s, from 0.</param>
    /// <returns>The learning rate.</returns>
    /// <exception cref="InvalidOperationException"><see cref="Steps"/> or <see cref="LearningRate"/> is
    /// null.</exception>
    public double LearningRateAt(int step)
    {
        int steps = Steps ?? throw new InvalidOperationException("The number of steps is not set.");
        double highest = LearningRate ?? throw new InvalidOperationException("The learning rate is not set.");
        int warmup = WarmupSteps ?? steps / 20;
        if (step < warmup) return highest * (step + 1) / warmup;
        if (Decay == LearningRateDecay.Constant) return highest;
        double done = Math.Min(1, (double)(step - warmup) / Math.Max(1, steps - 1 - warmup));
        double final = highest * FinalLearningRateFraction;
        double left = Decay == LearningRateDecay.Linear ? 1 - done : (1 + Math.Cos(Math.PI * done)) / 2;
        return final + (highest - final) * left;
    }

    /// <summary>Deletes the state in <see cref="CheckpointFolder"/>, and the folder if nothing else is in it.</summary>
    public void DiscardState()
    {
        if (CheckpointFolder is { } folder) new TrainingCheckpoint(folder, []).Delete();
    }

    /// <summary>Every option that influences the result.</summary>
    internal JsonObject ToJson() => new()
    {
        ["steps"] = Steps,
        ["batchSize"] = BatchSize,
        ["accumulationSteps"] = AccumulationSteps,
        ["learningRate"] = LearningRate,
        ["decay"] = Decay.ToString().ToLowerInvariant(),
        ["finalLearningRateFraction"] = FinalLearningRateFraction,
        ["warmupSteps"] = WarmupSteps,
        ["weightDecay"] = WeightDecay,
        ["beta1"] = Beta1,
        ["beta2"] = Beta2,
        ["epsilon"] = Epsilon,
        ["maxGradientNorm"] = MaxGradientNorm,
        ["validationExamples"] = ValidationExamples,
        ["validationInterval"] = ValidationInterval,
        ["earlyStoppingPatience"] = EarlyStoppingPatience,
        ["spikeDeviations"] = SpikeDeviations,
        ["precision"] = Precision.ToString().ToLowerInvariant(),
        ["seed"] = Seed,
    };

    /// <summary>Checks the values and settles those that depend on the examples and the model.</summary>
    /// <param name="examples">Number of examples.</param>
    /// <param name="hiddenSize">Width of the model, positive.</param>
    /// <returns>These options without any that are null for "it depends".</returns>
    /// <exception cref="ArgumentException">A value is out of range, or the examples are too few.</exception>
    internal TrainingOptions Resolve(int examples, int hiddenSize)
    {
        Require(BatchSize >= 1, "batch size", BatchSize, "at least 1");
        Require(AccumulationSteps >= 1, "number of accumulation steps", AccumulationSteps, "at least 1");
        int heldOut = ValidationExamples ?? Math.Clamp(examples / 10, 1, 64);
        Require(heldOut >= 0 && heldOut < examples, "number of held-out examples", heldOut,
            $"at least 0 and below the {examples} examples; give more text or shorter sequences");
        long twice = (2L * (examples - heldOut) + ExamplesPerStep - 1) / ExamplesPerStep;
        int steps = Steps ?? (int)Math.Clamp(twice, FewestSteps, MostSteps);
        TrainingOptions resolved = this with
        {
            Steps = steps,
            LearningRate = LearningRate ?? RateForWidth(HighestLearningRate, hiddenSize),
            WarmupSteps = WarmupSteps ?? steps / 20,
            ValidationExamples = heldOut,
            ValidationInterval = ValidationInterval ?? Math.Clamp(steps / 10, 10, 100),
        };
        resolved.Check();
        return resolved;
    }

    private void Check()
    {
        Require(Steps >= 1, "number of steps", Steps!.Value, "at least 1");
        Require(IsPositive(LearningRate!.Value), "learning rate", LearningRate.Value, "positive and finite");
        Require(Enum.IsDefined(Decay), "learning-rate decay", (int)Decay, "a member of LearningRateDecay");
        Require(FinalLearningRateFraction is >= 0 and <= 1, "final learning-rate fraction", FinalLearningRateFraction,
            "from 0 to 1");
        Require(WarmupSteps >= 0 && WarmupSteps <= Steps, "number of warm-up steps", WarmupSteps!.Value,
            $"from 0 to {Steps}");
        Require(WeightDecay >= 0 && double.IsFinite(WeightDecay), "weight decay", WeightDecay, "finite and at least 0");
        Require(Beta1 is >= 0 and < 1, "first beta", Beta1, "at least 0 and below 1");
        Require(Beta2 is >= 0 and < 1, "second beta", Beta2, "at least 0 and below 1");
        Require(IsPositive(Epsilon), "epsilon", Epsilon, "positive and finite");
        Require(MaxGradientNorm is not { } norm || IsPositive(norm), "largest gradient norm", MaxGradientNorm ?? 0,
            "positive and finite");
        Require(ValidationInterval >= 1, "validation interval", ValidationInterval!.Value, "at least 1");
        Require(EarlyStoppingPatience is null or >= 1, "early-stopping patience", EarlyStoppingPatience ?? 0,
            "at least 1");
        Require(SpikeDeviations is not { } spike || IsPositive(spike), "number of deviations that make a spike",
            SpikeDeviations ?? 0, "positive and finite");
        Require(CheckpointInterval >= 1, "checkpoint interval", CheckpointInterval, "at least 1");
        if (Resume && CheckpointFolder is null)
            throw new ArgumentException("Resuming needs the checkpoint folder of the run that was stopped.");
    }

    /// <summary>A learning rate that suits a width.</summary>
    /// <param name="highest">That of models of width 64 or less.</param>
    /// <param name="hiddenSize">The width, positive.</param>
    /// <returns>highest * 64 / width, at most the highest.</returns>
    internal static double RateForWidth(double highest, int hiddenSize) =>
        highest * Math.Min(1, WidthOfHighest / hiddenSize);

    private static bool IsPositive(double value) => value > 0 && double.IsFinite(value);

    private static void Require(bool isLegal, string what, double value, string legal)
    {
        if (!isLegal) throw new ArgumentException($"The {what} is {value}; it must be {legal}.");
    }
}
