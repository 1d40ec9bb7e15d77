namespace ML.Pruning.Recovery;

/// <summary>How far a training run is.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="LearningRate">Learning rate of the last step.</param>
/// <param name="Loss">Loss of the last step's batch before its update, in nats a token; NaN before the first.</param>
/// <param name="ValidationLoss">Mean loss of the held-out examples after the last step, in nats a token, where it was
/// measured.</param>
public sealed record TrainingProgress(int Step, int Steps, double LearningRate, double Loss, double? ValidationLoss)
{
    /// <summary>Fraction of the steps that is done, in [0, 1].</summary>
    public double Fraction => (double)Step / Steps;

    /// <summary>Fraction of zeros among the weights that are kept sparse, in [0, 1]; null without any.</summary>
    public double? Sparsity { get; init; }

    /// <summary>Tokens trained on a second, measurements included, since the run was started or resumed; 0 before the
    /// first step.</summary>
    public double TokensPerSecond { get; init; }

    /// <summary>Time left at the speed so far; null before the first step.</summary>
    public TimeSpan? TimeLeft { get; init; }

    /// <summary>Steps without an update, because their loss or gradient was not finite.</summary>
    public int SkippedSteps { get; init; }

    /// <summary>Times that the run went back to an earlier point, with a lower rate, because the loss had
    /// risen.</summary>
    public int Rollbacks { get; init; }
}
