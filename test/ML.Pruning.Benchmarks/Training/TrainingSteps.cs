using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Recovery;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Benchmarks.Training;

/// <summary>Training steps as <c>TrainingLoop</c> takes them, one when asked.</summary>
internal sealed class TrainingSteps : IDisposable
{
    private const double Rate = 1e-3;
    private readonly TrainingExamples _examples;
    private readonly TorchDecoder _decoder;
    private readonly TrainedParameters _parameters;
    private readonly NextTokenObjective _objective;

    /// <summary>Prepares a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="examples">What to train on.</param>
    /// <param name="isLora">Adapters of rank 8 on all linear maps, without dropout; else all weights.</param>
    public TrainingSteps(LanguageModel model, TrainingExamples examples, bool isLora)
    {
        _examples = examples;
        using LanguageModel? adapted =
            isLora ? LoraAdapters.Attach(model, new LoraOptions { Rank = 8, Alpha = 16, Dropout = 0 }) : null;
        _decoder = TorchDecoder.Load(adapted ?? model);
        IEnumerable<(string name, Parameter parameter)> parameters = _decoder.named_parameters()
            .Where(p => !isLora || p.name.Contains(".lora_", StringComparison.Ordinal));
        _parameters = new TrainedParameters(parameters, new TrainingOptions
        {
            LearningRate = Rate,
            WeightDecay = 0,
            Beta2 = 0.999,
        });
        _objective = new NextTokenObjective(_decoder);
    }

    /// <summary>Runs a step.</summary>
    /// <param name="indices">The examples of the batch.</param>
    /// <returns>The loss before the update.</returns>
    public double Step(ReadOnlySpan<int> indices)
    {
        using DisposeScope scope = NewDisposeScope();
        _parameters.SetLearningRate(Rate);
        _parameters.ClearGradients();
        Tensor loss = _objective.Loss(_examples.Batch(indices));
        double value = loss.ToDouble();
        loss.backward();
        _parameters.ClipGradients(1);
        _parameters.Step();
        return value;
    }

    public void Dispose()
    {
        _parameters.Dispose();
        _decoder.Dispose();
    }
}
