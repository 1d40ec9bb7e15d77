using ML.Pruning.Models.Torch;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery;

/// <summary>Some examples of equal length, and which of their predictions count.</summary>
/// <remarks>Shorter examples are padded at the end. Attention is causal, so that padding changes nothing before it, and
/// predictions of padding do not count.</remarks>
/// <param name="Tokens">Token ids [B, T], row-major.</param>
/// <param name="Rows">Examples B.</param>
/// <param name="Length">Tokens T of each, at least 2.</param>
/// <param name="Counted">Positions in [B (T - 1)] whose next-token prediction counts, ascending; null = all.</param>
internal sealed record TrainingBatch(int[] Tokens, int Rows, int Length, int[]? Counted)
{
    /// <summary>Predictions that count.</summary>
    public int PredictionCount => Counted?.Length ?? Rows * (Length - 1);

    /// <summary>The tokens to predict from.</summary>
    /// <returns>[B, T - 1], int64.</returns>
    public Tensor Inputs()
    {
        using Tensor ids = TorchWeights.ToTokens(Tokens, Rows);
        return ids.narrow(1, 0, Length - 1);
    }

    /// <summary>The tokens to predict, of the predictions that count.</summary>
    /// <returns>[predictions], int64.</returns>
    public Tensor Targets()
    {
        int predictions = Length - 1;
        var targets = new long[PredictionCount];
        for (int i = 0; i < targets.Length; i++)
        {
            (int row, int position) = Math.DivRem(Counted?[i] ?? i, predictions);
            targets[i] = Tokens[row * Length + position + 1];
        }

        return tensor(targets, dtype: ScalarType.Int64);
    }

    /// <summary>The rows of predictions that count.</summary>
    /// <param name="values">[B, T - 1, N].</param>
    /// <returns>[predictions, N].</returns>
    public Tensor Select(Tensor values)
    {
        using Tensor flat = values.reshape(-1, values.shape[2]);
        if (Counted is null) return flat.alias();
        using Tensor positions = tensor(Array.ConvertAll(Counted, p => (long)p), dtype: ScalarType.Int64);
        return flat.index_select(0, positions);
    }
}
