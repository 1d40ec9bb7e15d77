using System.Globalization;

namespace ML.Pruning.Benchmarks.Training;

/// <summary>A model after pruning, and perhaps after a way of recovery.</summary>
/// <param name="Model">Name of the model.</param>
/// <param name="Method">What pruned it.</param>
/// <param name="Asked">Sparsity or ratio asked for; 0 = the dense model.</param>
/// <param name="Treatment">dense, one-shot, or how it was trained.</param>
/// <param name="Sparsity">Fraction of zeros among the linear maps, counted in the stored weights.</param>
/// <param name="Parameters">Parameters of the model, zeros included.</param>
/// <param name="Perplexity">On the evaluation text.</param>
/// <param name="ShareBack">Of the log-perplexity that pruning cost, the share that came back; null where nothing was
/// trained.</param>
/// <param name="Steps">Training steps.</param>
/// <param name="BestStep">Steps after which the kept weights were reached.</param>
/// <param name="Seconds">Time of pruning or training, without evaluation.</param>
internal sealed record RecoveryResult(string Model, string Method, double Asked, string Treatment, double Sparsity,
    long Parameters, double Perplexity, double? ShareBack, int Steps, int BestStep, double Seconds)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Model} {Method} {Asked:P0} {Treatment}: perplexity {Perplexity:F2}, back {ShareBack:P1}, sparsity {Sparsity:F4}, "
        + $"{Parameters:N0} parameters, {BestStep} of {Steps} steps, {Seconds:F0} s");
}
