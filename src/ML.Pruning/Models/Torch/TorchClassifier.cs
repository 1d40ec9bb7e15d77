using ML.Pruning.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>The end of an encoder that sees the text as a whole: a linear map and its non-linearity on the state of the
/// first token (the pooler), and a linear map to the labels where there are any.</summary>
internal sealed class TorchClassifier : IDisposable
{
    private readonly ActivationKind _activation;

    private TorchClassifier(ActivationKind activation, TorchTable pooler, TorchTable? labels)
    {
        _activation = activation;
        Pooler = pooler;
        Labels = labels;
    }

    /// <summary>The first linear map [D, D].</summary>
    public TorchTable Pooler { get; }

    /// <summary>The second one [labels, D]; null = there are no labels.</summary>
    public TorchTable? Labels { get; }

    /// <summary>Loads both.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <param name="type">The type to compute in.</param>
    /// <returns>The modules, which the caller disposes; null = the model has no pooler.</returns>
    /// <exception cref="ModelFormatException">A weight is missing or has another shape.</exception>
    public static TorchClassifier? Load(
        ModelSpec spec, IReadOnlyDictionary<string, StoredTensor> weights, ScalarType type)
    {
        if (spec.Encoder?.Pooler is not { } activation) return null;
        return new TorchClassifier(activation, Load(TensorNames.Pooler, spec.HiddenSize),
            spec.Encoder.IsClassifier ? Load(TensorNames.Classifier, spec.Encoder.Labels.Count) : null);

        TorchTable Load(string name, int rows) =>
            TorchTable.Load(weights, name + ".weight", rows, spec.HiddenSize, type, name + ".bias");
    }

    /// <summary>The pooled state.</summary>
    /// <param name="hidden">Hidden states [B, T, D].</param>
    /// <returns>[B, D].</returns>
    public Tensor Pool(Tensor hidden)
    {
        using DisposeScope scope = NewDisposeScope();
        return TorchActivation.Apply(_activation, Pooler.Map(hidden.select(1, 0))).MoveToOuterDisposeScope();
    }

    /// <summary>The scores of the labels.</summary>
    /// <param name="hidden">Hidden states [B, T, D].</param>
    /// <returns>Logits [B, labels].</returns>
    /// <exception cref="NotSupportedException">There are no labels.</exception>
    public Tensor Forward(Tensor hidden)
    {
        if (Labels is null) throw new NotSupportedException("The encoder has no head that tells labels apart.");
        using DisposeScope scope = NewDisposeScope();
        return Labels.Map(Pool(hidden)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Pooler.Dispose();
        Labels?.Dispose();
    }
}
