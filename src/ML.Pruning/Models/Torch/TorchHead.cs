using ML.Pruning.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>The end of a model: final norm and language-model head, its own or the transposed embedding. In an encoder
/// a linear map and its non-linearity stand before the norm.</summary>
internal sealed class TorchHead : IDisposable
{
    private readonly TorchTable _table;
    private readonly bool _ownsTable;
    private readonly ModelSpec _spec;

    private TorchHead(
        ModelSpec spec, TorchTable? transform, TorchNorm norm, TorchTable table, bool ownsTable)
    {
        _spec = spec;
        Transform = transform;
        Norm = norm;
        _table = table;
        _ownsTable = ownsTable;
    }

    /// <summary>The linear map before the norm, in an encoder.</summary>
    public TorchTable? Transform { get; }

    /// <summary>The final norm.</summary>
    public TorchNorm Norm { get; }

    /// <summary>The head's own matrix [vocabulary, D]; null when it is that of a loaded embedding.</summary>
    public TorchTable? OwnTable => _ownsTable ? _table : null;

    /// <summary>Loads norm and head.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <param name="computeType">The type to compute in.</param>
    /// <param name="embedding">The embedding whose matrix a tied head shares; null = load it again.</param>
    /// <returns>The head; the caller disposes it.</returns>
    /// <exception cref="ModelFormatException">A weight is missing or has another shape.</exception>
    public static TorchHead Load(ModelSpec spec, IReadOnlyDictionary<string, StoredTensor> weights,
        ScalarType computeType, TorchEmbedding? embedding)
    {
        bool isEncoder = spec.Encoder is not null;
        TorchTable? transform = isEncoder
            ? TorchTable.Load(weights, TensorNames.HeadTransform + ".weight", spec.HiddenSize, spec.HiddenSize,
                computeType, TensorNames.HeadTransform + ".bias")
            : null;
        TorchNorm norm =
            TorchNorm.Load(spec, isEncoder ? TensorNames.HeadNorm : TensorNames.LastNorm, weights, computeType);
        if (spec.TiedHead && embedding is not null)
        {
            return spec.HeadBias
                ? new TorchHead(spec, transform, norm,
                    embedding.Tokens.Share(weights, TensorNames.HeadBias, computeType), ownsTable: true)
                : new TorchHead(spec, transform, norm, embedding.Tokens, ownsTable: false);
        }

        TorchTable table = TorchTable.Load(weights, spec.TiedHead ? TensorNames.Embedding : TensorNames.Head,
            spec.VocabularySize, spec.HiddenSize, computeType, spec.HeadBias ? TensorNames.HeadBias : null);
        return new TorchHead(spec, transform, norm, table, ownsTable: true);
    }

    /// <summary>Norm, head and, where the model has one, the soft cap.</summary>
    /// <param name="hidden">Hidden states [.., D].</param>
    /// <returns>Logits [.., vocabulary].</returns>
    public Tensor Forward(Tensor hidden)
    {
        using DisposeScope scope = NewDisposeScope();
        if (Transform is not null)
            hidden = TorchActivation.Apply(_spec.Encoder!.HeadActivation, Transform.Map(hidden));
        Tensor logits = _table.Map(Norm.forward(hidden));
        if (_spec.LogitSoftCap is { } cap) logits = logits.div(cap).tanh().mul(cap);
        return logits.MoveToOuterDisposeScope();
    }

    /// <summary>Natural logarithms of the probabilities of given tokens; logits are made for as many rows at a time as
    /// keep the memory bounded.</summary>
    /// <param name="hidden">Hidden states [N, D].</param>
    /// <param name="targets">Token ids [N], int64.</param>
    /// <param name="logProbabilities">Destination [N].</param>
    public void LogProbabilities(Tensor hidden, Tensor targets, Span<double> logProbabilities)
    {
        const int maxLogits = 1 << 22;
        int step = (int)Math.Clamp(maxLogits / _table.Weight.shape[0], 1, logProbabilities.Length);
        for (int start = 0; start < logProbabilities.Length; start += step)
        {
            using DisposeScope scope = NewDisposeScope();
            int count = Math.Min(step, logProbabilities.Length - start);
            Tensor logits = Forward(hidden.narrow(0, start, count));
            logits = logits.to_type(TorchWeights.Wide(logits.dtype));
            Tensor chosen = logits.gather(1, targets.narrow(0, start, count).unsqueeze(1)).view(count);
            Tensor total = logits.logsumexp(1);
            Tensor result = chosen.to_type(ScalarType.Float64).sub(total.to_type(ScalarType.Float64));
            TorchWeights.CopyTo(result, logProbabilities.Slice(start, count));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Transform?.Dispose();
        Norm.Dispose();
        if (_ownsTable) _table.Dispose();
    }
}
