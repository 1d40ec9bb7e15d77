using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using TorchSharp.Modules;

namespace ML.Pruning.Recovery;

/// <summary>Trains all weights of a model to predict the next token.</summary>
/// <remarks>Thread-safe. The same model, examples, options, number of threads and machine give the same bits. Needs
/// about 20 bytes a parameter and the activations of a batch.</remarks>
public static class LanguageModelTrainer
{
    /// <summary>Trains a model on windows of text.</summary>
    /// <inheritdoc cref="Train(LanguageModel, TrainingExamples, TrainingOptions, CancellationToken,
    /// IProgress{TrainingProgress})"/>
    /// <param name="model">The model, with weights; it is not changed.</param>
    /// <param name="windows">The text; the last windows are held out.</param>
    /// <param name="options">How to train; null = the defaults.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <param name="progress">Told at the start and after each step.</param>
    public static TrainingResult Train(LanguageModel model, TokenWindows windows, TrainingOptions? options = null,
        CancellationToken cancellationToken = default, IProgress<TrainingProgress>? progress = null) =>
        Train(model, TrainingExamples.FromWindows(windows), options, cancellationToken, progress);

    /// <summary>Trains a model.</summary>
    /// <remarks>Loss: mean of -ln p(token | earlier tokens of its example) over the predictions of a batch that count.
    /// AdamW, linear warm-up, then the chosen decay, gradients clipped to a joint norm. The weights with the lowest
    /// loss on the held-out examples are kept, those at the start included. Zeros of
    /// <see cref="LanguageModel.MaskedTensors"/> stay zero: their gradients are set to 0, which AdamW's update and
    /// decay both preserve.</remarks>
    /// <param name="model">The model, with weights; it is not changed.</param>
    /// <param name="examples">What to train on; the last examples are held out
    /// (<see cref="TrainingOptions.ValidationExamples"/>).</param>
    /// <param name="options">How to train; null = the defaults.</param>
    /// <param name="cancellationToken">Stops between batches. Nothing is left behind but the state in
    /// <see cref="TrainingOptions.CheckpointFolder"/>, if one is given.</param>
    /// <param name="progress">Told at the start and after each step.</param>
    /// <returns>The trained model, with weights of the types that they had (those on integer grids become float32),
    /// which the caller disposes; and how it went.</returns>
    /// <exception cref="ArgumentException">An option is out of range, the examples exceed the context, are too few or
    /// hold a token outside the vocabulary, or the state to resume from is that of another run.</exception>
    /// <exception cref="TrainingException">The loss or the gradients are NaN or infinite, and no lower rate
    /// helps.</exception>
    /// <exception cref="InvalidOperationException">The model has no weights.</exception>
    /// <exception cref="IOException">The temporary file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static TrainingResult Train(LanguageModel model, TrainingExamples examples, TrainingOptions? options = null,
        CancellationToken cancellationToken = default, IProgress<TrainingProgress>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(examples);
        options ??= new TrainingOptions();
        string[] names = [];
        return ModelTraining.Run(model, examples, options, ("train", "adamw", []), SetUp, Finish, progress,
            cancellationToken);

        TrainingSetup SetUp(TorchDecoder decoder)
        {
            (string Name, Parameter Parameter)[] all = [.. decoder.named_parameters()];
            names = [.. all.Select(p => p.Name)];
            return new TrainingSetup(all)
            {
                Hooks = [new MaskKeeper(all.Where(p => model.MaskedTensors.Contains(p.Name)))],
            };
        }

        LanguageModel Finish(TrainingOutcome outcome, ProvenanceStep step) => ModelTraining.Replace(
            model, [.. names.Zip(outcome.Values, (name, values) => ModelTraining.Trained(model.Weights[name], values))],
            options.TempFolder, step, cancellationToken);
    }
}
