using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Pruning.Structured;

/// <summary>Folds what the norms of a model do besides normalising into the linear maps and tables around them, so that
/// a norm that only divides by the root mean square gives the same logits (Ashkboos et al. 2024, arXiv:2401.15024,
/// section 3.1).</summary>
/// <remarks>A gain g goes into the columns of the maps that read the norm, W diag(g); a bias b becomes W b; the mean
/// that LayerNorm subtracts is subtracted from everything that is added to the stream. Results are float64 tensors in
/// the caller's dispose scope.</remarks>
/// <param name="spec">The model's shape.</param>
/// <param name="weights">Its tensors by canonical name.</param>
internal sealed class StreamFolding(ModelSpec spec, IReadOnlyDictionary<string, StoredTensor> weights)
{
    private static readonly string[] s_attentionReaders = [TensorNames.Query, TensorNames.Key, TensorNames.Value];
    private static readonly string[] s_mlpReaders = [TensorNames.Gate, TensorNames.Up];
    private readonly bool _subtractsMean = spec.Norm == NormKind.LayerNorm;

    /// <summary>Takes the mean out of what is added to the stream, where the norms of the model did that.</summary>
    /// <param name="stream">[.., D].</param>
    /// <returns>[.., D].</returns>
    public Tensor Center(Tensor stream) => _subtractsMean ? stream.sub(stream.mean([-1], keepdim: true)) : stream;

    /// <summary>Rows of the table that stands for token embedding, scale and norm.</summary>
    /// <param name="start">The first token.</param>
    /// <param name="count">How many.</param>
    /// <returns>[count, D].</returns>
    public Tensor Embedding(long start, long count)
    {
        Tensor rows = Rows(TensorNames.Embedding, start, count).mul(spec.EmbeddingScale);
        if (spec.EmbeddingNorm) rows = Normed(rows);
        return Center(rows);
    }

    /// <summary>Rows of the table of learned positions.</summary>
    /// <param name="start">The first row.</param>
    /// <param name="count">How many.</param>
    /// <returns>[count, D].</returns>
    public Tensor Positions(long start, long count) => Center(Rows(TensorNames.PositionEmbedding, start, count));

    /// <summary>Rows of the head.</summary>
    /// <param name="start">The first token.</param>
    /// <param name="count">How many.</param>
    /// <returns>Weight [count, D], and the bias [count] if the folded model has one.</returns>
    public (Tensor Weight, Tensor? Bias) Head(long start, long count)
    {
        Tensor rows = Rows(spec.TiedHead ? TensorNames.Embedding : TensorNames.Head, start, count);
        Tensor? bias = spec.HeadBias ? Rows(TensorNames.HeadBias, start, count) : null;
        return Read(rows, bias, TensorNames.LastNorm);
    }

    /// <summary>The linear maps of a layer, and their biases, by canonical name.</summary>
    /// <param name="layer">Layer, from 0.</param>
    public Dictionary<string, Tensor> Layer(int layer)
    {
        var folded = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (LinearSpec linear in spec.Linears(layer))
        {
            Tensor weight = All(linear.WeightName);
            Tensor? bias = linear.HasBias ? All(linear.BiasName) : null;
            if (s_attentionReaders.Contains(linear.Part))
                (weight, bias) = Read(weight, bias, TensorNames.Name(layer, TensorNames.AttentionNorm));
            else if (s_mlpReaders.Contains(linear.Part))
                (weight, bias) = Read(weight, bias, TensorNames.Name(layer, TensorNames.MlpNorm));
            else
            {
                weight = Center(weight.t()).t();
                bias = bias is null ? null : Center(bias);
            }

            folded.Add(linear.WeightName, weight);
            if (bias is not null) folded.Add(linear.BiasName, bias);
        }

        return folded;
    }

    // W diag(g), and b + W (the norm's bias).
    private (Tensor Weight, Tensor? Bias) Read(Tensor weight, Tensor? bias, string norm)
    {
        if (spec.NormsHaveBias)
        {
            Tensor added = weight.matmul(All(norm + ".bias"));
            bias = bias is null ? added : bias.add(added);
        }

        return (weight.mul(All(norm + ".weight").add(spec.NormGainOffset)), bias);
    }

    private Tensor Normed(Tensor rows)
    {
        Tensor gain = All(TensorNames.EmbeddingNormGain).add(spec.NormGainOffset);
        Tensor centered = Center(rows);
        Tensor normed = centered.mul(
            centered.square().mean([-1], keepdim: true).add(spec.NormEpsilon).rsqrt()).mul(gain);
        return spec.NormsHaveBias ? normed.add(All(TensorNames.EmbeddingNormBias)) : normed;
    }

    private Tensor All(string name) => TorchWeights.ToTensor(weights[name], ScalarType.Float64);

    private Tensor Rows(string name, long start, long count) =>
        TorchWeights.ToTensor(new RowSliceTensor(name, Plain(weights[name]), start, count), ScalarType.Float64);

    private static StoredTensor Plain(StoredTensor tensor) => (tensor as QuantizedTensor)?.Dequantized() ?? tensor;
}
