using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery;

/// <summary>Trains all weights of a model to predict the next token.</summary>
/// <remarks>Thread-safe. The same model, windows, options, number of threads and machine give the same bits. Computes
/// in float32; needs about 20 bytes a parameter and the activations of a batch.</remarks>
public static class LanguageModelTrainer
{
    /// <summary>Trains a model.</summary>
    /// <remarks>Loss: mean of -ln p(token | earlier tokens of its window) over the L - 1 predictions of each window of
    /// a batch. AdamW, linear warm-up, cosine decay, gradients clipped to a joint norm. The weights with the lowest
    /// loss on the held-out windows are kept, those at the start included. Zeros of
    /// <see cref="LanguageModel.MaskedTensors"/> stay zero: their gradients are set to 0, which AdamW's update and
    /// decay both preserve.</remarks>
    /// <param name="model">The model, with weights; it is not changed.</param>
    /// <param name="windows">The text; the last windows are held out
    /// (<see cref="TrainingOptions.ValidationWindows"/>).</param>
    /// <param name="options">How to train; null = the defaults.</param>
    /// <param name="cancellationToken">Stops between batches; nothing is left behind.</param>
    /// <param name="progress">Told at the start and after each step.</param>
    /// <returns>The trained model, with weights of the types that they had; the caller disposes it.</returns>
    /// <exception cref="ArgumentException">An option is out of range, the windows exceed the context, are too few or
    /// hold a token outside the vocabulary.</exception>
    /// <exception cref="TrainingException">The loss or the gradients became NaN or infinite.</exception>
    /// <exception cref="InvalidOperationException">The model has no weights.</exception>
    /// <exception cref="IOException">The temporary file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static LanguageModel Train(LanguageModel model, TokenWindows windows, TrainingOptions? options = null,
        CancellationToken cancellationToken = default, IProgress<TrainingProgress>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(windows);
        options ??= new TrainingOptions();
        int heldOut = options.Validate(windows.Count);
        for (int i = 0; i < windows.Count; i++) EngineArguments.CheckTokens(model.Spec, windows[i], 1);

        using TorchDecoder decoder = TorchDecoder.Load(model);
        (string Name, Parameter Parameter)[] parameters = [.. decoder.named_parameters()];
        using var masks = new GradientMasks(
            parameters.Where(p => model.MaskedTensors.Contains(p.Name)).Select(p => p.Parameter));
        var loop = new TrainingLoop(decoder, [.. parameters.Select(p => p.Parameter)], options, heldOut)
        {
            GradientsReady = masks.Apply,
        };
        TrainingOutcome outcome = loop.Run(windows, progress, cancellationToken);
        StoredTensor[] trained = [.. parameters.Select((p, i) => new ArrayTensor(
            p.Name, outcome.Values[i], model.Weights[p.Name].Shape, model.Weights[p.Name].Type))];
        SafetensorsFile file = SafetensorsWriter.WriteTemporary(
            options.TempFolder, trained, metadata: null, cancellationToken);
        JsonObject provenance = Provenance(windows, options, heldOut, outcome);
        return Finish(model, file, ProvenanceStep.Now("train", "adamw", provenance));
    }

    private static LanguageModel Finish(LanguageModel model, SafetensorsFile file, ProvenanceStep step)
    {
        LanguageModelContent content = model.ToContent();
        // Every weight is a new one, so the files of the old ones are let go.
        foreach (SafetensorsFile old in content.Files) old.Dispose();
        return new LanguageModel(content with
        {
            Weights = file.Tensors.ToDictionary(t => t.Key, t => (StoredTensor)t.Value, StringComparer.Ordinal),
            Files = [file],
            Provenance = [.. content.Provenance, step],
        });
    }

    private static JsonObject Provenance(
        TokenWindows windows, TrainingOptions options, int heldOut, TrainingOutcome outcome)
    {
        JsonObject json = options.ToJson();
        json["windows"] = windows.Count;
        json["sequenceLength"] = windows.Length;
        json["windowHash"] = windows.Hash();
        json["validationWindows"] = heldOut;
        json["initialValidationLoss"] = outcome.InitialLoss;
        json["bestValidationLoss"] = outcome.BestLoss;
        json["bestStep"] = outcome.BestStep;
        return json;
    }

    /// <summary>Keeps the zeros of parameters by zeroing their gradients.</summary>
    private sealed class GradientMasks : IDisposable
    {
        private readonly (Parameter Parameter, Tensor Mask)[] _masks;

        public GradientMasks(IEnumerable<Parameter> parameters)
        {
            using IDisposable noGrad = no_grad();
            _masks = [.. parameters.Select(p => (p, p.ne(0).to_type(p.dtype).DetachFromDisposeScope()))];
        }

        public void Apply()
        {
            using IDisposable noGrad = no_grad();
            using DisposeScope scope = NewDisposeScope();
            foreach ((Parameter parameter, Tensor mask) in _masks) parameter.grad!.mul_(mask);
        }

        public void Dispose()
        {
            foreach ((_, Tensor mask) in _masks) mask.Dispose();
        }
    }
}
