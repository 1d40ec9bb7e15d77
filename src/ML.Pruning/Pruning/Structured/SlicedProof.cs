using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Pruning.Structured;

/// <summary>Runs one sequence of random tokens through the sliced model and, beside it, through the big one projected
/// onto what is kept, and compares the logits.</summary>
/// <remarks>Weights are compared before they are rounded to the type of the files. Not thread-safe.</remarks>
/// <param name="before">The model.</param>
/// <param name="after">The sliced model.</param>
/// <param name="folded">The model with its norms folded.</param>
internal sealed class SlicedProof(ModelSpec before, ModelSpec after, ModelSpec folded) : IDisposable
{
    private const int Tokens = 64;
    private Tensor? _big;
    private Tensor? _small;

    /// <summary>The largest difference of the logits, relative to the largest logit; after
    /// <see cref="Finish"/>.</summary>
    public double LargestDifference { get; private set; }

    /// <summary>Embeds the sequence.</summary>
    /// <param name="weights">Tensors of the model.</param>
    /// <param name="folding">Of the model.</param>
    /// <param name="basis">The basis before the first layer.</param>
    /// <param name="tables">Tables of the sliced model, by canonical name.</param>
    public void Start(IReadOnlyDictionary<string, StoredTensor> weights, StreamFolding folding, StreamBasis basis,
        IReadOnlyDictionary<string, StoredTensor> tables)
    {
        using DisposeScope scope = NewDisposeScope();
        var random = new Random(1);
        int[] ids = [.. Enumerable.Range(0, Math.Min(Tokens, before.ContextLength))
            .Select(_ => random.Next(before.VocabularySize))];
        Tensor tokens = TorchWeights.ToTokens(ids, 1);
        using TorchEmbedding big = TorchEmbedding.Load(before, weights, ScalarType.Float32);
        using TorchEmbedding small = TorchEmbedding.Load(after, tables, ScalarType.Float32);
        Become(basis.Project(folding.Center(big.Forward(tokens))), small.Forward(tokens));
    }

    /// <summary>Takes both to the next layer.</summary>
    /// <param name="layer">Layer, from 0.</param>
    /// <param name="module">The folded layer.</param>
    /// <param name="small">Tensors of the sliced layer, by canonical name.</param>
    /// <param name="middle">The basis after attention; null where attention and MLP are parallel.</param>
    /// <param name="output">The basis after the layer.</param>
    public void Pass(int layer, TorchDecoderLayer module, IReadOnlyDictionary<string, StoredTensor> small,
        StreamBasis? middle, StreamBasis output)
    {
        using DisposeScope scope = NewDisposeScope();
        using TorchDecoderLayer sliced = TorchDecoderLayer.Load(after, layer, small, ScalarType.Float32);
        Tensor big = middle is null
            ? module.forward(_big!)
            : module.Transform(middle.Project(module.Attend(_big!)));
        Become(output.Project(big), sliced.forward(_small!));
    }

    /// <summary>Compares the logits.</summary>
    /// <param name="head">Tensors of the head, by canonical name; it is the same for both.</param>
    public void Finish(IReadOnlyDictionary<string, StoredTensor> head)
    {
        using DisposeScope scope = NewDisposeScope();
        using TorchHead both = TorchHead.Load(folded, head, ScalarType.Float32, embedding: null);
        Tensor big = both.Forward(_big!), small = both.Forward(_small!);
        double largest = big.abs().max().ToDouble();
        LargestDifference = big.sub(small).abs().max().ToDouble() / (largest > 0 ? largest : 1);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _big?.Dispose();
        _small?.Dispose();
    }

    private void Become(Tensor big, Tensor small)
    {
        Dispose();
        _big = big.DetachFromDisposeScope();
        _small = small.DetachFromDisposeScope();
    }
}
