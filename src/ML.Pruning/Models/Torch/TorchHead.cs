using ML.Pruning.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>The end of a model: final norm and language-model head, its own or the transposed embedding.</summary>
internal sealed class TorchHead : IDisposable
{
    private readonly TorchTable _table;
    private readonly bool _ownsTable;
    private readonly double? _softCap;

    private TorchHead(ModelSpec spec, TorchNorm norm, TorchTable table, bool ownsTable)
    {
        _softCap = spec.LogitSoftCap;
        Norm = norm;
        _table = table;
        _ownsTable = ownsTable;
    }

    /// <summary>The final norm.</summary>
    public TorchNorm Norm { get; }

    /// <summary>The head's own matrix [vocabulary, D]; null when it is tied to a loaded embedding.</summary>
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
        TorchNorm norm = TorchNorm.Load(spec, TensorNames.LastNorm, weights, computeType);
        if (spec.TiedHead && embedding is not null)
            return new TorchHead(spec, norm, embedding.Tokens, ownsTable: false);

        TorchTable table = TorchTable.Load(weights, spec.TiedHead ? TensorNames.Embedding : TensorNames.Head,
            spec.VocabularySize, spec.HiddenSize, computeType, spec.HeadBias ? TensorNames.HeadBias : null);
        return new TorchHead(spec, norm, table, ownsTable: true);
    }

    /// <summary>Norm, head and, where the model has one, the soft cap.</summary>
    /// <param name="hidden">Hidden states [.., D].</param>
    /// <returns>Logits [.., vocabulary].</returns>
    public Tensor Forward(Tensor hidden)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor normed = Norm.forward(hidden);
        Tensor? bias = _table.Bias is null ? null : TorchWeights.As(_table.Bias, normed);
        Tensor logits = nn.functional.linear(normed, TorchWeights.As(_table.Weight, normed), bias);
        if (_softCap is { } cap) logits = logits.div(cap).tanh().mul(cap);
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
        Norm.Dispose();
        if (_ownsTable) _table.Dispose();
    }
}
