namespace ML.Pruning.Recovery;

/// <summary>How far a training run is.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps of the whole run.</param>
/// <param name="LearningRate">Learning rate of the last step.</param>
/// <param name="Loss">Loss of the last step's batch before its update, in nats a token; NaN before the first.</param>
/// <param name="ValidationLoss">Mean loss of the held-out windows after the last step, in nats a token, where it was
/// measured.</param>
public sealed record TrainingProgress(int Step, int Steps, double LearningRate, double Loss, double? ValidationLoss)
{
    /// <summary>Fraction of the steps that is done, in [0, 1].</summary>
    public double Fraction => (double)Step / Steps;
}
