using System.Text.Json.Nodes;
using ML.Pruning.Models;

namespace ML.Pruning.Recovery;

/// <summary>A trained model, and how the training went.</summary>
/// <param name="Model">The model; the caller disposes it.</param>
/// <param name="Report">How the training went.</param>
public sealed record TrainingResult(LanguageModel Model, TrainingReport Report);

/// <summary>One point of a loss curve.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="LearningRate">Learning rate of the last of them.</param>
/// <param name="Loss">Loss of its batch before its update, in nats a token; null before the first step.</param>
/// <param name="ValidationLoss">Mean loss of the held-out examples, where it was measured.</param>
public sealed record TrainingPoint(int Step, double LearningRate, double? Loss, double? ValidationLoss);

/// <summary>How a training run went.</summary>
public sealed record TrainingReport
{
    /// <summary>Steps planned.</summary>
    public required int Steps { get; init; }

    /// <summary>Steps done; fewer than planned when the run stopped early.</summary>
    public required int StepsDone { get; init; }

    /// <summary>Why the run stopped early; null if it did not.</summary>
    public string? WhyStopped { get; init; }

    /// <summary>Parameters that were trained.</summary>
    public required long TrainedParameters { get; init; }

    /// <summary>Loss on the held-out examples before the first step; null without them.</summary>
    public double? InitialLoss { get; init; }

    /// <summary>The lowest loss on the held-out examples; null without them.</summary>
    public double? BestLoss { get; init; }

    /// <summary>Steps after which the kept weights were reached; 0 = no step made the model better.</summary>
    public required int BestStep { get; init; }

    /// <summary>Steps without an update, because their loss or gradient was not finite.</summary>
    public required int SkippedSteps { get; init; }

    /// <summary>Times that the run went back to an earlier point, with a lower rate, because the loss had
    /// risen.</summary>
    public required int Rollbacks { get; init; }

    /// <summary>Tokens trained on a second, measurements included, since the run was started or resumed.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>The loss curve.</summary>
    public required IReadOnlyList<TrainingPoint> Curve { get; init; }

    /// <summary>The report as JSON, the curve included.</summary>
    /// <returns>An object with the properties' names in camel case.</returns>
    public JsonObject ToJson() => new()
    {
        ["steps"] = Steps,
        ["stepsDone"] = StepsDone,
        ["whyStopped"] = WhyStopped,
        ["trainedParameters"] = TrainedParameters,
        ["initialLoss"] = InitialLoss,
        ["bestLoss"] = BestLoss,
        ["bestStep"] = BestStep,
        ["skippedSteps"] = SkippedSteps,
        ["rollbacks"] = Rollbacks,
        ["tokensPerSecond"] = TokensPerSecond,
        ["curve"] = new JsonArray([.. Curve.Select(p => (JsonNode)new JsonObject
        {
            ["step"] = p.Step,
            ["learningRate"] = p.LearningRate,
            ["loss"] = p.Loss is { } loss && double.IsFinite(loss) ? loss : null,
            ["validationLoss"] = p.ValidationLoss,
        })]),
    };
}
