namespace TorchSharp.Modules;

/// <summary>What an optimizer's groups may set each for itself; null takes the optimizer's default.</summary>
public class OptimizerOptions
{
    public double? LearningRate { get; set; }

    public double InitialLearningRate { get; set; }
}
