using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using TorchSharp.Modules;

namespace ML.Pruning.Recovery;

/// <summary>Trains low-rank adapters on a model (LoRA, Hu et al. 2021, arXiv:2106.09685).</summary>
/// <remarks>Thread-safe. The same model, examples, options, number of threads and machine give the same bits. Only the
/// adapters are trained; their values and moments are float32. Beside these it needs the model in float32 (or
/// bfloat16), the activations of a batch and, where zeros are kept, a mask and a changed weight for each linear
/// map.</remarks>
public static class LoraTrainer
{
    /// <summary>Trains adapters.</summary>
    /// <remarks>On a weight of <see cref="LanguageModel.MaskedTensors"/> the map is W + s M * (B A) with M = 0 where W
    /// is 0, in training and afterwards, so that merging is exact and keeps every zero. The head of a classifier, which
    /// is often new, is trained as a whole.</remarks>
    /// <param name="model">The model, with weights and without adapters; it is not changed.</param>
    /// <param name="examples">What to train on; the last examples are held out, and the adapters that are best on them
    /// are kept. If none is better than the model as it was, nothing changes.</param>
    /// <param name="options">How; null = the defaults.</param>
    /// <param name="cancellationToken">Stops between batches. Nothing is left behind but the state in
    /// <see cref="TrainingOptions.CheckpointFolder"/>, if one is given.</param>
    /// <param name="progress">Told at the start and after each step.</param>
    /// <returns>The model with the adapters merged (in the types that the weights had), or beside its weights
    /// (<see cref="LoraOptions.KeepAdapter"/>), which the caller disposes; and how it went.</returns>
    /// <exception cref="ArgumentException">An option is out of range, the model has adapters already, the examples
    /// exceed the context, are too few or hold a token outside the vocabulary, or the state to resume from is that of
    /// another run.</exception>
    /// <exception cref="TrainingException">The loss or the gradients are NaN or infinite, and no lower rate
    /// helps.</exception>
    /// <exception cref="InvalidOperationException">The model has no weights.</exception>
    /// <exception cref="IOException">The temporary file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static TrainingResult Train(LanguageModel model, TrainingExamples examples, LoraOptions? options = null,
        CancellationToken cancellationToken = default, IProgress<TrainingProgress>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(examples);
        options ??= new LoraOptions();
        using LanguageModel adapted = LoraAdapters.Attach(model, options, cancellationToken);
        string[] names = [.. adapted.Spec.AdapterParameters().Select(p => p.Name), .. Head(adapted.Spec)];
        return ModelTraining.Run(adapted, examples, options.TrainingOf(model.Spec), ("recover", "lora", options.ToJson()),
            decoder => SetUp(decoder, names, options), Finish, progress, cancellationToken);

        LanguageModel Finish(TrainingOutcome outcome, ProvenanceStep step)
        {
            StoredTensor[] trained = [.. names.Zip(outcome.Values, (name, values) =>
                ModelTraining.Trained(adapted.Weights[name], values))];
            string folder = options.Training.TempFolder;
            if (options.KeepAdapter) return ModelTraining.Replace(adapted, trained, folder, step, cancellationToken);
            var byName = trained.ToDictionary(t => t.Name, StringComparer.Ordinal);
            StoredTensor[] merged = [.. adapted.Spec.Adapters.Select(
                adapter => new AdaptedTensor(model.Weights[adapter.WeightName], adapter, byName)),
                .. Head(model.Spec).Select(name => byName[name])];
            using LanguageModel bare = adapted.WithoutAdapters();
            return ModelTraining.Replace(bare, merged, folder, step, cancellationToken);
        }
    }

    // The head of a classifier is trained as a whole.
    private static IEnumerable<string> Head(ModelSpec spec) => spec.Encoder is not { IsClassifier: true } ? []
        : spec.Parameters().Select(p => p.Name).Where(name =>
            name.StartsWith(TensorNames.Pooler + ".", StringComparison.Ordinal)
            || name.StartsWith(TensorNames.Classifier + ".", StringComparison.Ordinal));

    private static TrainingSetup SetUp(TorchDecoder decoder, string[] names, LoraOptions options)
    {
        Dictionary<string, Parameter> parameters =
            decoder.named_parameters().ToDictionary(p => p.name, p => p.parameter, StringComparer.Ordinal);
        TorchAdapter[] adapters = [.. decoder.Layers.SelectMany(layer => layer.Linears.Values)
            .Select(linear => linear.Adapter).OfType<TorchAdapter>()];
        return new TrainingSetup([.. names.Select(name => (name, parameters[name]))])
        {
            Hooks = [new DropoutHook(adapters, options.Dropout, options.Training.Seed)],
        };
    }

    // What is left out in a step depends on the seed and the step alone, so that a run can be resumed.
    private sealed class DropoutHook : TrainingHook
    {
        private readonly AdapterDropout? _dropout;
        private readonly int _seed;

        public DropoutHook(TorchAdapter[] adapters, double probability, int seed)
        {
            _seed = seed;
            if (probability == 0) return;
            _dropout = new AdapterDropout(probability);
            foreach (TorchAdapter adapter in adapters) adapter.Dropout = _dropout;
        }

        public override void StepStarting(int step) => _dropout?.Seed(((long)_seed << 32) + step);

        public override void Dispose() => _dropout?.Dispose();
    }
}
