using ML.Pruning.Checkpoints;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>One transformer layer: h = x + attention(norm(x)), then h + mlp(norm(h)); with a parallel residual x +
/// attention(norm(x)) + mlp(norm(x)). Post-norms norm what attention and MLP yield. In an encoder the sums are normed
/// instead of what is read: h = norm(x + attention(x)), then norm(h + mlp(h)).</summary>
/// <remarks>Forward passes may run at once; dispose it to free the weights.</remarks>
internal sealed class TorchDecoderLayer : nn.Module<Tensor, Tensor>
{
    private readonly long _width;
    private readonly bool _parallel;
    private readonly RotaryEmbedding? _ownRotary;

    [ComponentName(Name = TensorNames.AttentionNorm)]
    private readonly TorchNorm? _attentionNorm;

    [ComponentName(Name = "self_attn")]
    private readonly TorchAttention _attention;

    [ComponentName(Name = TensorNames.AttentionPostNorm)]
    private readonly TorchNorm? _attentionPostNorm;

    [ComponentName(Name = TensorNames.AttentionSumNorm)]
    private readonly TorchNorm? _attentionSumNorm;

    [ComponentName(Name = TensorNames.MlpNorm)]
    private readonly TorchNorm? _mlpNorm;

    [ComponentName(Name = "mlp")]
    private readonly TorchMlp _mlp;

    [ComponentName(Name = TensorNames.MlpPostNorm)]
    private readonly TorchNorm? _mlpPostNorm;

    [ComponentName(Name = TensorNames.MlpSumNorm)]
    private readonly TorchNorm? _mlpSumNorm;

    [ComponentName(Name = TensorNames.AttentionShortcut)]
    private readonly TorchLinear? _attentionShortcut;

    [ComponentName(Name = TensorNames.MlpShortcut)]
    private readonly TorchLinear? _mlpShortcut;

    private TorchDecoderLayer(ModelSpec spec, int layer, IReadOnlyDictionary<string, StoredTensor> weights,
        ScalarType computeType, RotaryEmbedding? sharedRotary)
        : base(nameof(TorchDecoderLayer))
    {
        LayerSpec shape = spec.Layers[layer];
        _width = spec.StreamWidth;
        _parallel = spec.ParallelResidual;
        if (spec.Positions == PositionKind.Rotary && sharedRotary is null)
            _ownRotary = new RotaryEmbedding(spec, shape.HeadSize, computeType);
        Linears = spec.Linears(layer)
            .ToDictionary(l => l.Part, l => TorchLinear.Load(l, weights, computeType,
                spec.Adapters.FirstOrDefault(a => a.Layer == layer && a.Part == l.Part)), StringComparer.Ordinal);
        _attentionNorm = LoadNorm(TensorNames.AttentionNorm, !spec.NormAfterSum);
        _attention = TorchAttention.Load(spec, layer, sharedRotary ?? _ownRotary, Linears, weights, computeType);
        _attentionPostNorm = LoadNorm(TensorNames.AttentionPostNorm, spec.PostNorms);
        _attentionSumNorm = LoadNorm(TensorNames.AttentionSumNorm, spec.NormAfterSum);
        _mlpNorm = LoadNorm(TensorNames.MlpNorm, !spec.NormAfterSum);
        _mlp = new TorchMlp(spec.Activation, Linears);
        _mlpPostNorm = LoadNorm(TensorNames.MlpPostNorm, spec.PostNorms);
        _mlpSumNorm = LoadNorm(TensorNames.MlpSumNorm, spec.NormAfterSum);
        IReadOnlyList<LinearSpec> shortcuts = spec.Shortcuts(layer);
        _attentionShortcut = shortcuts.Count > 0 ? TorchLinear.Load(shortcuts[0], weights, computeType) : null;
        _mlpShortcut = shortcuts.Count > 1 ? TorchLinear.Load(shortcuts[1], weights, computeType) : null;
        RegisterComponents();

        TorchNorm? LoadNorm(string part, bool isThere) =>
            isThere ? TorchNorm.Load(spec, TensorNames.Name(layer, part), weights, computeType) : null;
    }

    /// <summary>The linear maps by part (<see cref="TensorNames.Query"/> and so on), in the order of the forward
    /// pass.</summary>
    public IReadOnlyDictionary<string, TorchLinear> Linears { get; }

    /// <summary>Loads a layer.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="layer">Layer, from 0.</param>
    /// <param name="weights">Stored tensors by canonical name; those of other layers are not touched.</param>
    /// <param name="computeType">The type to compute in.</param>
    /// <returns>The layer; the caller disposes it.</returns>
    /// <exception cref="ModelFormatException">A weight is missing or has another shape.</exception>
    public static TorchDecoderLayer Load(ModelSpec spec, int layer, IReadOnlyDictionary<string, StoredTensor> weights,
        ScalarType computeType) => Load(spec, layer, weights, computeType, null);

    /// <summary>Loads a layer that shares rotary tables with others.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="layer">Layer, from 0.</param>
    /// <param name="weights">Stored tensors by canonical name; those of other layers are not touched.</param>
    /// <param name="computeType">The type to compute in.</param>
    /// <param name="sharedRotary">Tables for the layer's head size, which the caller disposes; null = its own.</param>
    /// <returns>The layer; the caller disposes it.</returns>
    /// <exception cref="ModelFormatException">A weight is missing or has another shape.</exception>
    public static TorchDecoderLayer Load(ModelSpec spec, int layer, IReadOnlyDictionary<string, StoredTensor> weights,
        ScalarType computeType, RotaryEmbedding? sharedRotary) => new(spec, layer, weights, computeType, sharedRotary);

    /// <summary>Runs the layer over whole sequences.</summary>
    /// <param name="input">Hidden states [B, T, D]; T at most the model's context.</param>
    /// <returns>[B, T, D].</returns>
    /// <exception cref="ArgumentException">The input has another shape.</exception>
    public override Tensor forward(Tensor input) => forward(input, null);

    /// <summary>Runs the layer over whole sequences or over the next tokens of sequences.</summary>
    /// <param name="input">Hidden states [B, T, D].</param>
    /// <param name="caches">Null = B whole sequences. Otherwise B is 1, and T holds the next tokens of one or several
    /// sequences, one after the other: for each their number, and the keys and values of its earlier tokens, to which
    /// these are appended.</param>
    /// <param name="padding">What is added to the scores of each key [B, T]: negative infinity where nobody may look;
    /// null = 0. Only for whole sequences.</param>
    /// <returns>[B, T, D].</returns>
    /// <exception cref="ArgumentException">The input has another shape.</exception>
    public Tensor forward(
        Tensor input, IReadOnlyList<(int Count, KeyValueCache Cache)>? caches, Tensor? padding = null)
    {
        // Some of torch's product kernels end the process on a wrong shape instead of throwing.
        if (input.ndim != 3 || input.shape[2] != _width)
        {
            throw new ArgumentException($"The hidden states have shape [{string.Join(", ", input.shape)}]; a layer of "
                + $"this model takes [batch, length, {_width}].", nameof(input));
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = AddAttention(input, caches, padding);
        return (_parallel ? hidden.add(Mlp(input)) : Transform(hidden)).MoveToOuterDisposeScope();
    }

    /// <summary>The attention half of a layer whose halves are not parallel.</summary>
    /// <param name="input">Hidden states [B, T, D] of whole sequences.</param>
    /// <returns>x + attention(norm(x)), [B, T, D].</returns>
    public Tensor Attend(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        return AddAttention(input, null, null).MoveToOuterDisposeScope();
    }

    /// <summary>The MLP half of a layer whose halves are not parallel.</summary>
    /// <param name="hidden">What the attention half yields [B, T, D].</param>
    /// <returns>h + mlp(norm(h)), [B, T, D].</returns>
    public Tensor Transform(Tensor hidden)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor sum = Pass(_mlpShortcut, hidden).add(Mlp(hidden));
        return (_mlpSumNorm?.forward(sum) ?? sum).MoveToOuterDisposeScope();
    }

    private static Tensor Pass(TorchLinear? shortcut, Tensor stream) => shortcut?.forward(stream) ?? stream;

    private Tensor AddAttention(
        Tensor input, IReadOnlyList<(int Count, KeyValueCache Cache)>? caches, Tensor? padding)
    {
        Tensor attended = _attention.forward(_attentionNorm?.forward(input) ?? input, caches, padding);
        Tensor sum = Pass(_attentionShortcut, input).add(_attentionPostNorm?.forward(attended) ?? attended);
        return _attentionSumNorm?.forward(sum) ?? sum;
    }

    private Tensor Mlp(Tensor stream)
    {
        Tensor transformed = _mlp.forward(_mlpNorm?.forward(stream) ?? stream);
        return _mlpPostNorm?.forward(transformed) ?? transformed;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _ownRotary?.Dispose();
        base.Dispose(disposing);
    }
}
