using ML.Pruning.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery;

/// <summary>Some examples of equal length, and which of their predictions count.</summary>
/// <remarks>Shorter examples are padded at the end. Attention is causal, or padding is hidden from it, so that padding
/// changes nothing before it, and predictions of padding do not count.</remarks>
/// <param name="Tokens">Token ids [B, T], row-major.</param>
/// <param name="Rows">Examples B.</param>
/// <param name="Length">Tokens T of each, at least 2.</param>
/// <param name="Counted">Positions in [B (T - 1)] whose next-token prediction counts, ascending; null = all.</param>
internal sealed record TrainingBatch(int[] Tokens, int Rows, int Length, int[]? Counted)
{
    /// <summary>Tokens of each example of an encoder [B]; null = all have as many.</summary>
    public int[]? Lengths { get; init; }

    /// <summary>The label of each example [B]; null = the model predicts tokens.</summary>
    public int[]? Labels { get; init; }

    /// <summary>Positions in [B T] whose tokens are hidden, and these; null = the model predicts something
    /// else.</summary>
    public IReadOnlyList<(int Position, int Token)>? HiddenTokens { get; init; }

    /// <summary>Predictions that count.</summary>
    public int PredictionCount =>
        Labels?.Length ?? HiddenTokens?.Count ?? Counted?.Length ?? Rows * (Length - 1);

    /// <summary>The hidden states of an encoder, which reads all tokens.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <returns>[B, T, D].</returns>
    public Tensor Encode(TorchDecoder encoder)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? padding = TorchDecoder.Padding(Lengths, Length, encoder.Embedding.ComputeType);
        return encoder.Hidden(TorchWeights.ToTokens(Tokens, Rows), null, padding).MoveToOuterDisposeScope();
    }

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
