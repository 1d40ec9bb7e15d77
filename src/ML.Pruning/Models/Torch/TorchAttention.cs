using ML.Pruning.Checkpoints;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>Attention, causal but in encoders, with grouped key/value heads: query head h reads key/value head h /
/// (heads / key/value heads) (Ainslie et al. 2023, arXiv:2305.13245).</summary>
internal sealed class TorchAttention : nn.Module<Tensor, Tensor>
{
    // Scores that a block of queries aims at, so that they stay in the cache, and the fewest queries worth a block.
    private const long BlockScores = 1 << 18;
    private const int BlockQueries = 32;
    private readonly ModelSpec _spec;
    private readonly LayerSpec _shape;
    private readonly int? _window;
    private readonly RotaryEmbedding? _rotary;

    [ComponentName(Name = "q_proj")]
    private readonly TorchLinear _query;

    [ComponentName(Name = "k_proj")]
    private readonly TorchLinear _key;

    [ComponentName(Name = "v_proj")]
    private readonly TorchLinear _value;

    [ComponentName(Name = "o_proj")]
    private readonly TorchLinear _output;

    [ComponentName(Name = "q_norm")]
    private readonly TorchNorm? _queryNorm;

    [ComponentName(Name = "k_norm")]
    private readonly TorchNorm? _keyNorm;

    private TorchAttention(ModelSpec spec, int layer, RotaryEmbedding? rotary,
        IReadOnlyDictionary<string, TorchLinear> linears, TorchNorm? queryNorm, TorchNorm? keyNorm)
        : base(nameof(TorchAttention))
    {
        _spec = spec;
        _shape = spec.Layers[layer];
        _window = spec.Window(layer);
        _rotary = rotary;
        _queryNorm = queryNorm;
        _keyNorm = keyNorm;
        _query = linears[TensorNames.Query];
        _key = linears[TensorNames.Key];
        _value = linears[TensorNames.Value];
        _output = linears[TensorNames.Output];
        RegisterComponents();
    }

    /// <summary>Puts the projections of a layer together and loads its other weights.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="layer">Layer, from 0.</param>
    /// <param name="rotary">Rotary positions, or null when there are none; the caller disposes it.</param>
    /// <param name="linears">The linear maps of the layer by part.</param>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <param name="type">The type to compute in.</param>
    /// <returns>The module.</returns>
    /// <exception cref="ModelFormatException">A weight is missing or has another shape.</exception>
    public static TorchAttention Load(ModelSpec spec, int layer, RotaryEmbedding? rotary,
        IReadOnlyDictionary<string, TorchLinear> linears, IReadOnlyDictionary<string, StoredTensor> weights,
        ScalarType type)
    {
        return new TorchAttention(
            spec, layer, rotary, linears, LoadNorm(TensorNames.QueryNorm), LoadNorm(TensorNames.KeyNorm));

        TorchNorm? LoadNorm(string part) => spec.QueryKeyNorm
            ? TorchNorm.LoadForHeads(spec, spec.Layers[layer].HeadSize, TensorNames.Name(layer, part), weights, type)
            : null;
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => forward(input, null);

    /// <summary>Attends.</summary>
    /// <param name="input">Normed hidden states [B, T, D].</param>
    /// <param name="caches">Null = B whole sequences. Otherwise B is 1, and T holds the next tokens of one or several
    /// sequences, one after the other: for each their number, and the keys and values of its earlier tokens, to which
    /// these are appended.</param>
    /// <param name="padding">What is added to the scores of each key [B, T]; null = 0. Only for whole
    /// sequences.</param>
    /// <returns>[B, T, D].</returns>
    public Tensor forward(
        Tensor input, IReadOnlyList<(int Count, KeyValueCache Cache)>? caches, Tensor? padding = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor query = Clip(_query.forward(input)), key = Clip(_key.forward(input));
        Tensor value = Clip(_value.forward(input));
        if (caches is null or [_])
            return _output.forward(Attend(query, key, value, caches?[0].Cache, padding)).MoveToOuterDisposeScope();

        // Each sequence looks at its own tokens only, as if it were alone.
        var mixed = new Tensor[caches.Count];
        long start = 0;
        for (int i = 0; i < mixed.Length; i++)
        {
            (int count, KeyValueCache cache) = caches[i];
            mixed[i] = Attend(
                query.narrow(1, start, count), key.narrow(1, start, count), value.narrow(1, start, count), cache,
                padding: null);
            start += count;
        }

        return _output.forward(cat(mixed, 1)).MoveToOuterDisposeScope();
    }

    // From projections [B, T, heads d] to [B, T, H d].
    private Tensor Attend(Tensor query, Tensor key, Tensor value, KeyValueCache? cache, Tensor? padding)
    {
        using DisposeScope scope = NewDisposeScope();
        long batch = query.shape[0], length = query.shape[1], size = _shape.HeadSize;
        int past = cache?.Length ?? 0;
        query = query.view(batch, length, _shape.Heads, size);
        key = key.view(batch, length, _shape.KeyValueHeads, size);
        value = value.view(batch, length, _shape.KeyValueHeads, size).permute(0, 2, 1, 3);
        query = _queryNorm?.forward(query) ?? query;
        key = _keyNorm?.forward(key) ?? key;
        int total = past + (int)length;
        if (_rotary is not null)
        {
            query = _rotary.Apply(query, past, total);
            key = _rotary.Apply(key, past, total);
        }

        query = query.mul(_spec.AttentionScale ?? 1 / Math.Sqrt(size));
        key = key.permute(0, 2, 1, 3);
        if (cache is not null) (key, value) = cache.Append(key, value);
        return MixInBlocks(query, key, value, past, padding).MoveToOuterDisposeScope();
    }

    private Tensor Clip(Tensor projected) =>
        _spec.QueryKeyValueClip is { } limit ? projected.clamp((Scalar)(-limit), (Scalar)limit) : projected;

    private bool IsCausal => _spec.Encoder is null;

    // Blocks of queries bound the memory of the scores, and later keys than a block's last query are left out where
    // attention is causal.
    private Tensor MixInBlocks(Tensor query, Tensor key, Tensor value, int past, Tensor? padding)
    {
        int length = (int)query.shape[1];
        long scoresPerQuery = query.shape[0] * _shape.Heads * (past + length);
        int block = (int)Math.Max(BlockQueries, BlockScores / scoresPerQuery);
        if (block >= length) return Mix(query, key, value, past, padding);

        var blocks = new List<Tensor>();
        for (int start = 0; start < length; start += block)
        {
            int count = Math.Min(block, length - start);
            int keys = IsCausal ? past + start + count : length;
            blocks.Add(Mix(query.narrow(1, start, count), key.narrow(2, 0, keys), value.narrow(2, 0, keys),
                past + start, padding));
        }

        return cat(blocks, 1);
    }

    /// <summary>softmax(Q K^T) V, Q already scaled.</summary>
    /// <param name="query">[B, T, H, d].</param>
    /// <param name="key">[B, G, K, d], K = past + T where attention is causal.</param>
    /// <param name="value">[B, G, K, d].</param>
    /// <param name="past">Keys before the first query's own.</param>
    /// <param name="padding">What is added to the scores of each key [B, K]; null = 0.</param>
    /// <returns>[B, T, H d].</returns>
    private Tensor Mix(Tensor query, Tensor key, Tensor value, int past, Tensor? padding)
    {
        using DisposeScope scope = NewDisposeScope();
        long batch = query.shape[0], length = query.shape[1], size = _shape.HeadSize;
        long groups = _shape.KeyValueHeads, perGroup = _shape.Heads / groups, keys = key.shape[2];

        // The query heads of a group are stacked, so that keys and values need no copy per query head.
        Tensor stacked = query.reshape(batch, length, groups, perGroup, size).permute(0, 2, 3, 1, 4)
            .reshape(batch, groups, perGroup * length, size);
        Tensor scores = Product(stacked, key.transpose(2, 3)).view(batch, groups, perGroup, length, keys);
        if (_spec.AttentionSoftCap is { } cap) scores = scores.div(cap).tanh().mul(cap);
        if (_shape.AlibiSlopes is { } slopes)
            scores.add_(AlibiBias(slopes, length, past).view(groups, perGroup, length, keys));
        if (IsCausal) CausalMask.Apply(scores, past, _window);
        if (padding is not null) scores.add_(padding.view(batch, 1, 1, 1, keys));
        Tensor weights = scores.softmax(4, TorchWeights.Wide(scores.dtype)).to_type(value.dtype)
            .view(batch, groups, perGroup * length, keys);
        return Product(weights, value).view(batch, groups, perGroup, length, size).permute(0, 3, 1, 2, 4)
            .reshape(batch, length, _shape.QueryWidth).MoveToOuterDisposeScope();
    }

    private static Tensor Product(Tensor left, Tensor right)
    {
        using MatrixProducts.Timing timing = MatrixProducts.Time("attention");
        return left.matmul(right);
    }

    // slope * (key's position - query's position), [H, T, past + T] (Press et al. 2021, arXiv:2108.12409).
    private static Tensor AlibiBias(HeadSlopes slopes, long length, int past)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor distance = arange(past + length, dtype: ScalarType.Float64).unsqueeze(0)
            .sub(arange(past, past + length, dtype: ScalarType.Float64).unsqueeze(1));
        return tensor(slopes.ToArray(), [slopes.Count, 1, 1]).mul(distance).MoveToOuterDisposeScope();
    }
}
