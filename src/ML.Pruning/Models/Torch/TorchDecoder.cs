using ML.Pruning.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>A whole decoder. Its parameters carry the canonical names (<see cref="TensorNames"/>); they take gradients
/// once <c>requires_grad</c> is set on them.</summary>
/// <remarks>Forward passes may run at once. Dispose it to free the weights.</remarks>
internal sealed class TorchDecoder : nn.Module<Tensor, Tensor>
{
    private readonly Dictionary<int, RotaryEmbedding> _rotary = [];

    [ComponentName(Name = "embed_tokens")]
    private readonly TorchTable _embedTokens;

    [ComponentName(Name = "embed_positions")]
    private readonly TorchTable? _embedPositions;

    [ComponentName(Name = "embed_norm")]
    private readonly TorchNorm? _embedNorm;

    [ComponentName(Name = "layers")]
    private readonly ModuleList<TorchDecoderLayer> _layers;

    [ComponentName(Name = "norm")]
    private readonly TorchNorm _norm;

    [ComponentName(Name = "lm_head")]
    private readonly TorchTable? _head;

    private TorchDecoder(
        ModelSpec spec, IReadOnlyDictionary<string, StoredTensor> weights, ScalarType computeType,
        ScalarType weightType)
        : base(nameof(TorchDecoder))
    {
        Spec = spec;
        Embedding = TorchEmbedding.Load(spec, weights, weightType, computeType);
        Head = TorchHead.Load(spec, weights, weightType, Embedding);
        Layers = [.. Enumerable.Range(0, spec.Layers.Count).Select(
            i => TorchDecoderLayer.Load(spec, i, weights, weightType, Rotary(spec.Layers[i].HeadSize, computeType)))];
        _embedTokens = Embedding.Tokens;
        _embedPositions = Embedding.Positions;
        _embedNorm = Embedding.Norm;
        _layers = new ModuleList<TorchDecoderLayer>([.. Layers]);
        _norm = Head.Norm;
        _head = Head.OwnTable;
        RegisterComponents();
    }

    /// <summary>The model's shape.</summary>
    public ModelSpec Spec { get; }

    /// <summary>The start.</summary>
    public TorchEmbedding Embedding { get; }

    /// <summary>The layers, first to last.</summary>
    public IReadOnlyList<TorchDecoderLayer> Layers { get; }

    /// <summary>The end.</summary>
    public TorchHead Head { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="computeType">The type to compute in.</param>
    /// <param name="weightType">The type that the weights are held in, and converted from where they are used; null =
    /// <paramref name="computeType"/>.</param>
    /// <returns>The modules; the caller disposes them.</returns>
    /// <exception cref="InvalidOperationException">The model has no weights.</exception>
    public static TorchDecoder Load(LanguageModel model, ScalarType computeType = ScalarType.Float32,
        ScalarType? weightType = null) => new(model.Spec, model.Weights, computeType, weightType ?? computeType);

    /// <summary>Logits after every token.</summary>
    /// <param name="input">Token ids [B, T], int64.</param>
    /// <returns>[B, T, vocabulary].</returns>
    /// <exception cref="ArgumentException">The tensor has another rank, or T exceeds the context.</exception>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        return Head.Forward(Hidden(input, null)).MoveToOuterDisposeScope();
    }

    /// <summary>Hidden states after the last layer, before the final norm.</summary>
    /// <param name="tokens">Token ids [B, T], int64.</param>
    /// <param name="runs">Null = B whole sequences. Otherwise B is 1, and T holds these runs one after the other; their
    /// keys and values are appended to the caches.</param>
    /// <returns>[B, T, D].</returns>
    /// <exception cref="ArgumentException">The tensor has another rank, or the context is exceeded.</exception>
    public Tensor Hidden(Tensor tokens, IReadOnlyList<CachedRun>? runs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = Embedding.Forward(tokens, runs);
        for (int i = 0; i < Layers.Count; i++)
        {
            Tensor next = Layers[i].forward(hidden, runs?.Select(run => (run.Count, run.Caches[i])).ToArray());
            hidden.Dispose();
            hidden = next;
        }

        return hidden.MoveToOuterDisposeScope();
    }

    /// <summary>Hidden states after each layer, the last one before the final norm.</summary>
    /// <param name="tokens">Token ids [B, T], int64: whole sequences.</param>
    /// <returns>[B, T, D] for each layer, first to last.</returns>
    /// <exception cref="ArgumentException">The tensor has another rank, or the context is exceeded.</exception>
    public IReadOnlyList<Tensor> HiddenStates(Tensor tokens)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = Embedding.Forward(tokens, null);
        return [.. Layers.Select(layer => hidden = layer.forward(hidden).MoveToOuterDisposeScope())];
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (RotaryEmbedding rotary in _rotary.Values) rotary.Dispose();
        }

        base.Dispose(disposing);
    }

    private RotaryEmbedding? Rotary(int headSize, ScalarType computeType)
    {
        if (Spec.Positions != PositionKind.Rotary) return null;
        if (!_rotary.TryGetValue(headSize, out RotaryEmbedding? rotary))
            _rotary.Add(headSize, rotary = new RotaryEmbedding(Spec, headSize, computeType));
        return rotary;
    }
}
