using System.Text.Json;
using System.Text.Json.Serialization;

namespace ML.Pruning.Models;

/// <summary>An immutable, JSON-serialisable description of one decoder. From it, and from nothing else, come the torch
/// modules, the exported graphs, the dependency groups and every count of parameters and of
/// multiply-accumulates.</summary>
/// <remarks>Thread-safe.</remarks>
public sealed record ModelSpec
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
    };

    /// <summary>The family: <c>model_type</c> in config.json.</summary>
    public required string Family { get; init; }

    /// <summary>Tokens in the vocabulary.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Longest sequence, in tokens.</summary>
    public required int ContextLength { get; init; }

    /// <summary>The layers, first to last.</summary>
    public required IReadOnlyList<LayerSpec> Layers { get; init; }

    /// <summary>The norm before attention, before the MLP and at the end.</summary>
    public NormKind Norm { get; init; } = NormKind.RmsNorm;

    /// <summary>The norm's epsilon.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>How positions enter.</summary>
    public PositionKind Positions { get; init; } = PositionKind.Rotary;

    /// <summary>Base of the rotary frequencies.</summary>
    public double RopeTheta { get; init; } = 10000;

    /// <summary>Stretch of the rotary frequencies, if any.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>Rows at the start of the learned position table that stand for no position (OPT: 2).</summary>
    public int PositionOffset { get; init; }

    /// <summary>Keys that a query sees at most, itself included; null = all earlier ones.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>The MLP's non-linearity.</summary>
    public ActivationKind Activation { get; init; } = ActivationKind.Silu;

    /// <summary>down(act(gate(x)) * up(x)) when true, down(act(up(x))) when false.</summary>
    public bool GatedMlp { get; init; } = true;

    /// <summary>Whether the query, key and value projections have a bias.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>Whether the attention output projection has a bias.</summary>
    public bool OutputBias { get; init; }

    /// <summary>Whether the projections of the MLP have a bias.</summary>
    public bool MlpBias { get; init; }

    /// <summary>Whether the head is the transposed embedding.</summary>
    public bool TiedHead { get; init; }

    /// <summary>Token that starts a text, if the family has one.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>Tokens that end a text.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    /// <summary>Number of parameters; a tied head counts once.</summary>
    [JsonIgnore]
    public long ParameterCount => Parameters().Sum(p => p.Count);

    /// <summary>Whether all layers have the same shape and none has an added bias, so that other software can load the
    /// model.</summary>
    [JsonIgnore]
    public bool IsUniform => Layers.All(l => l == Layers[0] && l.AddedBiases == LinearParts.None);

    /// <summary>Reads a spec that <see cref="ToJson"/> wrote.</summary>
    /// <param name="json">The text.</param>
    /// <returns>The spec, validated.</returns>
    /// <exception cref="ModelFormatException">Not such a text.</exception>
    public static ModelSpec FromJson(string json)
    {
        try
        {
            ModelSpec spec = JsonSerializer.Deserialize<ModelSpec>(json, s_json)
                ?? throw new ModelFormatException("The model specification is empty.");
            return spec.Validate();
        }
        catch (JsonException e)
        {
            throw new ModelFormatException($"The model specification is not valid: {e.Message}", e);
        }
    }

    /// <summary>Writes the spec as JSON.</summary>
    /// <returns>Indented JSON that <see cref="FromJson"/> reads.</returns>
    public string ToJson() => JsonSerializer.Serialize(this, s_json);

    /// <summary>Every parameter tensor of the model, in the order of the forward pass.</summary>
    /// <returns>Canonical names and shapes.</returns>
    public IEnumerable<ParameterSpec> Parameters()
    {
        yield return new(TensorNames.Embedding, [VocabularySize, HiddenSize], ParameterRole.Embedding, -1, "");
        if (Positions == PositionKind.Learned)
        {
            yield return new(TensorNames.PositionEmbedding, [ContextLength + PositionOffset, HiddenSize],
                ParameterRole.Embedding, -1, "");
        }

        for (int layer = 0; layer < Layers.Count; layer++)
        {
            foreach (ParameterSpec parameter in LayerParameters(layer)) yield return parameter;
        }

        yield return new(TensorNames.FinalNorm, [HiddenSize], ParameterRole.Norm, -1, "");
        if (Norm == NormKind.LayerNorm)
            yield return new(TensorNames.FinalNormBias, [HiddenSize], ParameterRole.Norm, -1, "");
        if (!TiedHead) yield return new(TensorNames.Head, [VocabularySize, HiddenSize], ParameterRole.Head, -1, "");
    }

    /// <summary>The parameter tensors of one layer.</summary>
    /// <param name="layer">Layer, from 0.</param>
    /// <returns>Canonical names and shapes.</returns>
    public IEnumerable<ParameterSpec> LayerParameters(int layer)
    {
        foreach (ParameterSpec p in NormParameters(layer, TensorNames.AttentionNorm)) yield return p;
        foreach (LinearSpec linear in Linears(layer).Where(l => l.IsAttention))
            foreach (ParameterSpec p in linear.Parameters()) yield return p;
        foreach (ParameterSpec p in NormParameters(layer, TensorNames.MlpNorm)) yield return p;
        foreach (LinearSpec linear in Linears(layer).Where(l => !l.IsAttention))
            foreach (ParameterSpec p in linear.Parameters()) yield return p;
    }

    /// <summary>The linear maps of one layer, in the order of the forward pass.</summary>
    /// <param name="layer">Layer, from 0.</param>
    /// <returns>Query, key, value, output, gate (when gated), up, down.</returns>
    public IReadOnlyList<LinearSpec> Linears(int layer)
    {
        LayerSpec shape = Layers[layer];
        var linears = new List<LinearSpec>(7);
        Add(LinearParts.Query, TensorNames.Query, shape.QueryWidth, HiddenSize, QueryKeyValueBias);
        Add(LinearParts.Key, TensorNames.Key, shape.KeyValueWidth, HiddenSize, QueryKeyValueBias);
        Add(LinearParts.Value, TensorNames.Value, shape.KeyValueWidth, HiddenSize, QueryKeyValueBias);
        Add(LinearParts.Output, TensorNames.Output, HiddenSize, shape.QueryWidth, OutputBias);
        if (GatedMlp) Add(LinearParts.Gate, TensorNames.Gate, shape.MlpWidth, HiddenSize, MlpBias);
        Add(LinearParts.Up, TensorNames.Up, shape.MlpWidth, HiddenSize, MlpBias);
        Add(LinearParts.Down, TensorNames.Down, HiddenSize, shape.MlpWidth, MlpBias);
        return linears;

        void Add(LinearParts flag, string part, int rows, int columns, bool hasBias) =>
            linears.Add(new(layer, part, rows, columns, hasBias || shape.AddedBiases.HasFlag(flag)));
    }

    /// <summary>The same model with biases on some linear maps of a layer.</summary>
    /// <param name="layer">Layer, from 0.</param>
    /// <param name="parts">Canonical names of the maps, such as <see cref="TensorNames.Down"/>; those that have a bias
    /// are left as they are.</param>
    /// <returns>A spec in which each of them has a bias [outFeatures].</returns>
    public ModelSpec WithAddedBiases(int layer, IEnumerable<string> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, Layers.Count);
        Dictionary<string, LinearSpec> linears = Linears(layer).ToDictionary(l => l.Part, StringComparer.Ordinal);
        LinearParts added = Layers[layer].AddedBiases;
        foreach (string part in parts)
        {
            if (!linears.TryGetValue(part, out LinearSpec? linear))
                throw new ArgumentException($"Layer {layer} has no linear map '{part}'.", nameof(parts));
            if (!linear.HasBias) added |= TensorNames.LinearMaps.First(m => m.Part == part).Flag;
        }

        LayerSpec[] layers = [.. Layers];
        layers[layer] = layers[layer] with { AddedBiases = added };
        return this with { Layers = layers };
    }

    /// <summary>Multiply-accumulates of one forward pass over a single sequence.</summary>
    /// <remarks>Linears and head; per layer h(S^2 d + S^2 + S^2 d) for attention, 2S(h + kv)d for rotary positions,
    /// S times the MLP width for the activation and 4SD for the two norms; 2SD for the final norm. This is the count
    /// whose results LLM-Pruner (Ma et al. 2023, arXiv:2305.11627) publishes at 64 tokens.</remarks>
    /// <param name="tokens">Sequence length S, at least 1.</param>
    /// <returns>The count.</returns>
    public long MultiplyAccumulates(int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 1);
        long s = tokens, d = HiddenSize;
        long total = s * VocabularySize * d + 2 * s * d;
        for (int layer = 0; layer < Layers.Count; layer++)
        {
            LayerSpec shape = Layers[layer];
            total += Linears(layer).Sum(l => s * l.OutFeatures * l.InFeatures);
            total += shape.Heads * (2 * s * s * shape.HeadSize + s * s);
            if (Positions == PositionKind.Rotary)
                total += 2 * s * (shape.Heads + shape.KeyValueHeads) * shape.HeadSize;
            total += s * shape.MlpWidth + 4 * s * d;
        }

        return total;
    }

    /// <summary>Checks that the numbers make a model.</summary>
    /// <returns>This spec.</returns>
    /// <exception cref="ModelFormatException">A number is out of range; the message names it.</exception>
    public ModelSpec Validate()
    {
        RequirePositive(VocabularySize, "vocabulary size");
        RequirePositive(HiddenSize, "hidden size");
        RequirePositive(ContextLength, "context length");
        if (!(NormEpsilon > 0 && NormEpsilon < 1))
            throw new ModelFormatException($"The norm epsilon is {NormEpsilon}; it must lie between 0 and 1.");
        if (!(RopeTheta > 0) || !double.IsFinite(RopeTheta))
            throw new ModelFormatException($"The rotary base is {RopeTheta}; it must be positive.");
        if (SlidingWindow is { } window) RequirePositive(window, "sliding window");
        if (Layers.Count == 0) throw new ModelFormatException("The model has no layers.");
        for (int i = 0; i < Layers.Count; i++) ValidateLayer(i);
        return this;
    }

    private LinearParts AllLinears => TensorNames.LinearMaps.Select(m => m.Flag)
        .Where(flag => GatedMlp || flag != LinearParts.Gate).Aggregate((all, flag) => all | flag);

    private static void RequirePositive(int value, string what)
    {
        if (value < 1 || value > 1 << 28)
            throw new ModelFormatException($"The {what} is {value}; it must lie between 1 and {1 << 28}.");
    }

    private void ValidateLayer(int index)
    {
        LayerSpec layer = Layers[index];
        RequirePositive(layer.Heads, $"number of heads of layer {index}");
        RequirePositive(layer.KeyValueHeads, $"number of key/value heads of layer {index}");
        RequirePositive(layer.HeadSize, $"head size of layer {index}");
        RequirePositive(layer.MlpWidth, $"MLP width of layer {index}");
        if ((layer.AddedBiases & ~AllLinears) != 0)
        {
            throw new ModelFormatException($"Layer {index} adds biases to {layer.AddedBiases}; it has the linear maps "
                + $"{AllLinears}.");
        }

        if (layer.Heads % layer.KeyValueHeads != 0)
        {
            throw new ModelFormatException($"Layer {index} has {layer.Heads} heads and {layer.KeyValueHeads} key/value "
                + "heads; the first must be a multiple of the second.");
        }

        if (Positions == PositionKind.Rotary && layer.HeadSize % 2 != 0)
        {
            throw new ModelFormatException($"Layer {index} has head size {layer.HeadSize}; "
                + "rotary positions need an even one.");
        }
    }

    private IEnumerable<ParameterSpec> NormParameters(int layer, string part)
    {
        yield return new(TensorNames.Weight(layer, part), [HiddenSize], ParameterRole.Norm, layer, part);
        if (Norm == NormKind.LayerNorm)
            yield return new(TensorNames.Bias(layer, part), [HiddenSize], ParameterRole.Norm, layer, part);
    }
}
