using ML.Pruning.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery;

/// <summary>What training makes small.</summary>
internal abstract class TrainingObjective
{
    /// <summary>The loss of a batch.</summary>
    /// <param name="batch">The batch.</param>
    /// <returns>A float32 (or float64) scalar: the mean over the predictions that count, with its graph. The caller
    /// disposes it, and everything else lives in the caller's dispose scope at most.</returns>
    public abstract Tensor Loss(TrainingBatch batch);

    /// <summary>What a model is trained for, unless something else is wanted: of a decoder the next token, of an
    /// encoder its labels or hidden tokens.</summary>
    /// <param name="decoder">The model.</param>
    public static TrainingObjective Of(TorchDecoder decoder) => decoder.Spec.Encoder switch
    {
        null => new NextTokenObjective(decoder),
        { IsClassifier: true } => new LabelObjective(decoder),
        _ => new HiddenTokenObjective(decoder),
    };

    /// <summary>Mean cross-entropy, in float32 at least.</summary>
    /// <param name="logits">[N, classes].</param>
    /// <param name="targets">[N], int64.</param>
    private protected static Tensor CrossEntropy(Tensor logits, Tensor targets) =>
        nn.functional.cross_entropy(logits.to_type(TorchWeights.Wide(logits.dtype)), targets);
}

/// <summary>Mean cross-entropy of the label over the examples, in nats.</summary>
/// <param name="encoder">The model.</param>
internal sealed class LabelObjective(TorchDecoder encoder) : TrainingObjective
{
    /// <inheritdoc/>
    public override Tensor Loss(TrainingBatch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor targets = tensor(Array.ConvertAll(batch.Labels!, label => (long)label), dtype: ScalarType.Int64);
        return CrossEntropy(encoder.Classifier.Forward(batch.Encode(encoder)), targets).MoveToOuterDisposeScope();
    }
}

/// <summary>Mean cross-entropy of the hidden tokens, in nats.</summary>
/// <param name="encoder">The model.</param>
internal sealed class HiddenTokenObjective(TorchDecoder encoder) : TrainingObjective
{
    /// <inheritdoc/>
    public override Tensor Loss(TrainingBatch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor positions = tensor(batch.HiddenTokens!.Select(t => (long)t.Position).ToArray(), dtype: ScalarType.Int64);
        Tensor targets = tensor(batch.HiddenTokens!.Select(t => (long)t.Token).ToArray(), dtype: ScalarType.Int64);
        Tensor hidden = batch.Encode(encoder).reshape(-1, encoder.Spec.HiddenSize).index_select(0, positions);
        return CrossEntropy(encoder.Head.Forward(hidden), targets).MoveToOuterDisposeScope();
    }
}

/// <summary>Mean cross-entropy of the next token over the predictions that count, in nats.</summary>
/// <param name="decoder">The model.</param>
internal sealed class NextTokenObjective(TorchDecoder decoder) : TrainingObjective
{
    /// <inheritdoc/>
    public override Tensor Loss(TrainingBatch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        return Loss(decoder, batch, decoder.Hidden(batch.Inputs(), null)).MoveToOuterDisposeScope();
    }

    /// <summary>The loss from hidden states that are there already.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="hidden">States after the last layer, before the final norm [B, T - 1, D].</param>
    /// <returns>The scalar.</returns>
    public static Tensor Loss(TorchDecoder decoder, TrainingBatch batch, Tensor hidden)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = decoder.Head.Forward(batch.Select(hidden));
        if (logits.dtype is ScalarType.BFloat16 or ScalarType.Float16) logits = logits.to_type(ScalarType.Float32);
        return nn.functional.cross_entropy(logits, batch.Targets()).MoveToOuterDisposeScope();
    }
}
