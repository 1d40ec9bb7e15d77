using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery;

/// <summary>What is trained, and who takes part.</summary>
/// <param name="Parameters">The parameters to train by name.</param>
internal sealed record TrainingSetup(IReadOnlyList<(string Name, Parameter Parameter)> Parameters) : IDisposable
{
    /// <summary>What to make small; null = the cross-entropy of the next token.</summary>
    public TrainingObjective? Objective { get; init; }

    /// <summary>The learning rate of a step, from 0; null = as the options say.</summary>
    public Func<int, double>? LearningRateAt { get; init; }

    /// <summary>Who else takes part; disposed with the setup.</summary>
    public IReadOnlyList<TrainingHook> Hooks { get; init; } = [];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TrainingHook hook in Hooks) hook.Dispose();
    }
}

/// <summary>A training run from model to model: what all ways of training share.</summary>
internal static class ModelTraining
{
    /// <summary>Trains some weights of a model.</summary>
    /// <param name="model">The model, with weights; it is not changed.</param>
    /// <param name="examples">What to train on.</param>
    /// <param name="options">How.</param>
    /// <param name="step">Stage, method and options of the method, for provenance.</param>
    /// <param name="setUp">Chooses what is trained in a decoder that computes as the options say, with weights in
    /// float32.</param>
    /// <param name="finish">Makes the trained model from the outcome and the finished provenance.</param>
    /// <param name="progress">Told at the start and after each step.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <returns>What <paramref name="finish"/> made, and how it went.</returns>
    public static TrainingResult Run(LanguageModel model, TrainingExamples examples, TrainingOptions options,
        (string Stage, string Method, JsonObject Options) step, Func<TorchDecoder, TrainingSetup> setUp,
        Func<TrainingOutcome, ProvenanceStep, LanguageModel> finish, IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        using LlmTelemetry.Operation operation =
            LlmTelemetry.Start("train", model.Spec.Family, ("method", step.Method));
        options = options.Resolve(examples.Count, model.Spec.HiddenSize);
        examples.RequireFit(model.Spec);
        for (int i = 0; i < examples.Count; i++) EngineArguments.CheckTokens(model.Spec, examples.Tokens(i), 1);
        JsonObject provenance = step.Options;
        foreach ((string name, JsonNode? value) in options.ToJson().Concat(examples.ToJson()).ToArray())
            provenance[name] = value?.DeepClone();

        using TorchDecoder decoder = TorchDecoder.Load(
            model, TorchPrecision.Of(options.Precision), ScalarType.Float32);
        using TrainingSetup setup = setUp(decoder);
        using var loop = new TrainingLoop(decoder, setup.Parameters, examples, options)
        {
            Hooks = setup.Hooks,
            Identity = Identity(model, step.Method, options, provenance),
            Objective = setup.Objective,
            LearningRateAt = setup.LearningRateAt,
        };
        TrainingOutcome outcome = loop.Run(progress, cancellationToken);
        provenance["initialValidationLoss"] = outcome.Report.InitialLoss;
        provenance["bestValidationLoss"] = outcome.Report.BestLoss;
        provenance["bestStep"] = outcome.Report.BestStep;
        LanguageModel trained = finish(outcome, ProvenanceStep.Now(step.Stage, step.Method, provenance));
        operation.Complete();
        return new TrainingResult(trained, outcome.Report);
    }

    /// <summary>A trained weight in the type that it had; one on an integer grid leaves it and becomes
    /// float32.</summary>
    public static StoredTensor Trained(StoredTensor weight, float[] values) => new ArrayTensor(
        weight.Name, values, weight.Shape, weight is QuantizedTensor ? TensorType.F32 : weight.Type);

    /// <summary>A model with some weights replaced by trained ones of the same shape.</summary>
    /// <param name="model">The model.</param>
    /// <param name="trained">The new weights; they are written in the types that they have.</param>
    /// <param name="tempFolder">Folder for the temporary file that they are mapped from.</param>
    /// <param name="step">What was done.</param>
    /// <param name="cancellationToken">Stops while the file is written.</param>
    /// <returns>The new model.</returns>
    public static LanguageModel Replace(LanguageModel model, IReadOnlyList<StoredTensor> trained, string tempFolder,
        ProvenanceStep step, CancellationToken cancellationToken)
    {
        SafetensorsFile file = SafetensorsWriter.WriteTemporary(tempFolder, trained, metadata: null, cancellationToken);
        LanguageModelContent content = model.ToContent();
        var weights = content.Weights!.ToDictionary(w => w.Key, w => w.Value, StringComparer.Ordinal);
        foreach ((string name, MappedTensor tensor) in file.Tensors) weights[name] = tensor;

        // If every weight is a new one, the files of the old ones are let go.
        bool isAll = file.Tensors.Count == weights.Count;
        if (isAll)
            foreach (SafetensorsFile old in content.Files) old.Dispose();
        return new LanguageModel(content with
        {
            Weights = weights,
            Files = isAll ? [file] : [.. content.Files, file],
            Provenance = [.. content.Provenance, step],
        });
    }

    private static JsonObject Identity(
        LanguageModel model, string method, TrainingOptions options, JsonObject provenance)
    {
        if (options.CheckpointFolder is null) return [];
        var identity = (JsonObject)provenance.DeepClone();
        identity["method"] = method;
        identity["model"] = model.ContentHash;
        return identity;
    }
}
