using ML.Pruning.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>A whole decoder, or encoder. Its parameters carry the canonical names (<see cref="TensorNames"/>); they
/// take gradients once <c>requires_grad</c> is set on them.</summary>
/// <remarks>Forward passes may run at once. Dispose it to free the weights.</remarks>
internal sealed class TorchDecoder : nn.Module<Tensor, Tensor>
{
    private readonly Dictionary<int, RotaryEmbedding> _rotary = [];
    private readonly TorchHead? _predictor;
    private readonly TorchClassifier? _classification;

    [ComponentName(Name = "embed_tokens")]
    private readonly TorchTable _embedTokens;

    [ComponentName(Name = "embed_positions")]
    private readonly TorchTable? _embedPositions;

    [ComponentName(Name = "embed_token_types")]
    private readonly TorchTable? _embedTokenTypes;

    [ComponentName(Name = "embed_norm")]
    private readonly TorchNorm? _embedNorm;

    [ComponentName(Name = "layers")]
    private readonly ModuleList<TorchDecoderLayer> _layers;

    [ComponentName(Name = TensorNames.LastNorm)]
    private readonly TorchNorm? _norm;

    [ComponentName(Name = TensorNames.Pooler)]
    private readonly TorchTable? _pooler;

    [ComponentName(Name = TensorNames.Classifier)]
    private readonly TorchTable? _classifier;

    [ComponentName(Name = TensorNames.HeadTransform)]
    private readonly TorchTable? _headTransform;

    [ComponentName(Name = TensorNames.HeadNorm)]
    private readonly TorchNorm? _headNorm;

    [ComponentName(Name = "lm_head")]
    private readonly TorchTable? _head;

    private TorchDecoder(
        ModelSpec spec, IReadOnlyDictionary<string, StoredTensor> weights, ScalarType computeType,
        ScalarType weightType)
        : base(nameof(TorchDecoder))
    {
        Spec = spec;
        Embedding = TorchEmbedding.Load(spec, weights, weightType, computeType);
        _predictor = spec.PredictsTokens ? TorchHead.Load(spec, weights, weightType, Embedding) : null;
        _classification = TorchClassifier.Load(spec, weights, weightType);
        Layers = [.. Enumerable.Range(0, spec.Layers.Count).Select(
            i => TorchDecoderLayer.Load(spec, i, weights, weightType, Rotary(spec.Layers[i].HeadSize, computeType)))];
        _embedTokens = Embedding.Tokens;
        _embedPositions = Embedding.Positions;
        _embedTokenTypes = Embedding.TokenTypes;
        _embedNorm = Embedding.Norm;
        _layers = new ModuleList<TorchDecoderLayer>([.. Layers]);
        _norm = spec.Encoder is null ? _predictor?.Norm : null;
        _pooler = _classification?.Pooler;
        _classifier = _classification?.Labels;
        _headTransform = _predictor?.Transform;
        _headNorm = spec.Encoder is null ? null : _predictor?.Norm;
        _head = _predictor?.OwnTable;
        RegisterComponents();
    }

    /// <summary>The model's shape.</summary>
    public ModelSpec Spec { get; }

    /// <summary>The start.</summary>
    public TorchEmbedding Embedding { get; }

    /// <summary>The layers, first to last.</summary>
    public IReadOnlyList<TorchDecoderLayer> Layers { get; }

    /// <summary>The end of a model that predicts tokens.</summary>
    /// <exception cref="NotSupportedException">It does not.</exception>
    public TorchHead Head => _predictor ?? throw new NotSupportedException(
        $"This {Spec.Family} model has no head that predicts tokens.");

    /// <summary>The end of an encoder with a pooler.</summary>
    /// <exception cref="NotSupportedException">The model is another one.</exception>
    public TorchClassifier Classifier => _classification ?? throw new NotSupportedException(
        $"This {Spec.Family} model has no head that tells labels apart.");

    /// <summary>Loads a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="computeType">The type to compute in.</param>
    /// <param name="weightType">The type that the weights are held in, and converted from where they are used; null =
    /// <paramref name="computeType"/>.</param>
    /// <returns>The modules; the caller disposes them.</returns>
    /// <exception cref="InvalidOperationException">The model has no weights.</exception>
    public static TorchDecoder Load(LanguageModel model, ScalarType computeType = ScalarType.Float32,
        ScalarType? weightType = null) => new(model.Spec, model.Weights, computeType, weightType ?? computeType);

    /// <summary>Logits after every token, or of the labels of a classifier.</summary>
    /// <param name="input">Token ids [B, T], int64.</param>
    /// <returns>[B, T, vocabulary], or [B, labels].</returns>
    /// <exception cref="ArgumentException">The tensor has another rank, or T exceeds the context.</exception>
    /// <exception cref="NotSupportedException">The model has no head.</exception>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = Hidden(input, null);
        return (_predictor?.Forward(hidden) ?? Classifier.Forward(hidden)).MoveToOuterDisposeScope();
    }

    /// <summary>Hidden states after the last layer, before the final norm.</summary>
    /// <param name="tokens">Token ids [B, T], int64.</param>
    /// <param name="runs">Null = B whole sequences. Otherwise B is 1, and T holds these runs one after the other; their
    /// keys and values are appended to the caches.</param>
    /// <param name="padding">What is added to the scores of each key [B, T] (<see cref="Padding"/>); null = 0. Only for
    /// whole sequences.</param>
    /// <returns>[B, T, D].</returns>
    /// <exception cref="ArgumentException">The tensor has another rank, or the context is exceeded.</exception>
    public Tensor Hidden(Tensor tokens, IReadOnlyList<CachedRun>? runs, Tensor? padding = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = Embedding.Forward(tokens, runs);
        for (int i = 0; i < Layers.Count; i++)
        {
            Tensor next = Layers[i].forward(hidden, runs?.Select(run => (run.Count, run.Caches[i])).ToArray(), padding);
            hidden.Dispose();
            hidden = next;
        }

        return hidden.MoveToOuterDisposeScope();
    }

    /// <summary>What keeps the tokens of an encoder from seeing those that fill up shorter texts.</summary>
    /// <param name="lengths">Tokens of each text, in [1, <paramref name="length"/>]; null = all fill the batch.</param>
    /// <param name="length">Tokens of the longest T.</param>
    /// <param name="type">The type to compute in.</param>
    /// <returns>0 or negative infinity [B, T]; null = nothing is to be kept from anyone.</returns>
    public static Tensor? Padding(IReadOnlyList<int>? lengths, int length, ScalarType type)
    {
        if (lengths is null || lengths.All(l => l == length)) return null;
        var mask = new float[lengths.Count * length];
        for (int row = 0; row < lengths.Count; row++)
            mask.AsSpan(row * length + lengths[row], length - lengths[row]).Fill(float.NegativeInfinity);
        return tensor(mask, [lengths.Count, length], dtype: type);
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
