using System.Text.Json;
using System.Text.Json.Serialization;

namespace ML.Pruning.Models;

/// <summary>An immutable, JSON-serialisable description of one decoder or encoder. From it, and from nothing else, come
/// the torch modules, the exported graphs, the dependency groups and every count of parameters and of
/// multiply-accumulates.</summary>
/// <remarks>Thread-safe.</remarks>
public sealed partial record ModelSpec
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

    /// <summary>What makes the model an encoder; null = it is a decoder, which predicts the next token.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public EncoderSpec? Encoder { get; init; }

    /// <summary>Whether the norms stand after the residual sums, norm(x + attention(x)) and norm(h + mlp(h)), and none
    /// at the end.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NormAfterSum { get; init; }

    /// <summary>The norm before attention, before the MLP and at the end; or, with <see cref="NormAfterSum"/>, after
    /// both.</summary>
    public NormKind Norm { get; init; } = NormKind.RmsNorm;

    /// <summary>The norm's epsilon.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether the norms have a bias, where <see cref="Norm"/> is <see cref="NormKind.LayerNorm"/>; RMSNorm
    /// has none.</summary>
    public bool NormBias { get; init; } = true;

    /// <summary>What is added to a stored gain: 1 where checkpoints store the gain's difference from 1
    /// (Gemma).</summary>
    public double NormGainOffset { get; init; }

    /// <summary>Whether the embeddings are normed before the first layer.</summary>
    public bool EmbeddingNorm { get; init; }

    /// <summary>Whether what attention and MLP yield is normed before the residual sum.</summary>
    public bool PostNorms { get; init; }

    /// <summary>Whether queries and keys are normed head by head, before their positions enter; all heads of a layer
    /// share one gain [head size].</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>x + attention(norm(x)) + mlp(norm(x)) when true; h = x + attention(norm(x)), then h + mlp(norm(h)) when
    /// false.</summary>
    public bool ParallelResidual { get; init; }

    /// <summary>Factor of the token embeddings.</summary>
    public double EmbeddingScale { get; init; } = 1;

    /// <summary>How positions enter.</summary>
    public PositionKind Positions { get; init; } = PositionKind.Rotary;

    /// <summary>Base of the rotary frequencies.</summary>
    public double RopeTheta { get; init; } = 10000;

    /// <summary>Stretch of the rotary frequencies, if any.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>Fraction of a head's dimensions, the first ones, that rotary positions turn, in (0, 1].</summary>
    public double RotaryFraction { get; init; } = 1;

    /// <summary>Rows at the start of the learned position table that stand for no position (OPT: 2).</summary>
    public int PositionOffset { get; init; }

    /// <summary>Keys that a query sees at most, itself included; null = all earlier ones. Layers may be exempt
    /// (<see cref="LayerSpec.FullAttention"/>).</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>Factor of the products of queries and keys; null = 1 / sqrt(head size).</summary>
    public double? AttentionScale { get; init; }

    /// <summary>c, where attention scores s become c tanh(s / c); null = they stay.</summary>
    public double? AttentionSoftCap { get; init; }

    /// <summary>c, where logits s become c tanh(s / c); null = they stay.</summary>
    public double? LogitSoftCap { get; init; }

    /// <summary>c, where queries, keys and values are clipped to [-c, c]; null = they are not.</summary>
    public double? QueryKeyValueClip { get; init; }

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

    /// <summary>Whether the head has a bias.</summary>
    public bool HeadBias { get; init; }

    /// <summary>Width of the residual stream of a rotated and sliced model (SliceGPT): each layer then has shortcut
    /// matrices on the stream, and the last one yields <see cref="HiddenSize"/>. Null = the stream is
    /// <see cref="HiddenSize"/> wide and passes layers as it is.</summary>
    public int? ResidualWidth { get; init; }

    /// <summary>Token that starts a text, if the family has one.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>Tokens that end a text.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    /// <summary>Low-rank adapters on linear maps, at most one on each.</summary>
    public IReadOnlyList<AdapterSpec> Adapters { get; init; } = [];

    /// <summary>Number of parameters, adapters left out; a tied head counts once.</summary>
    [JsonIgnore]
    public long ParameterCount => Parameters().Sum(p => p.Count);

    /// <summary>Whether all layers have the same shape, windows aside, and nothing is added or rotated, so that other
    /// software can load the model.</summary>
    [JsonIgnore]
    public bool IsUniform => ResidualWidth is null && Layers.All(l => l.AddedBiases == LinearParts.None
        && l == Layers[0] with { FullAttention = l.FullAttention });

    /// <summary>Whether the model predicts tokens of its vocabulary.</summary>
    [JsonIgnore]
    public bool PredictsTokens => Encoder is null or { IsMaskedLanguageModel: true };

    /// <summary>Whether the norms have a bias.</summary>
    [JsonIgnore]
    public bool NormsHaveBias => Norm == NormKind.LayerNorm && NormBias;

    /// <summary>Width of the residual stream before every layer.</summary>
    [JsonIgnore]
    public int StreamWidth => ResidualWidth ?? HiddenSize;

    /// <summary>Width of what a layer yields.</summary>
    /// <param name="layer">Layer, from 0.</param>
    public int OutputWidth(int layer) => layer == Layers.Count - 1 ? HiddenSize : StreamWidth;

    /// <summary>Keys that a query of a layer sees at most, itself included; null = all earlier ones.</summary>
    /// <param name="layer">Layer, from 0.</param>
    public int? Window(int layer) => Layers[layer].FullAttention ? null : SlidingWindow;

    /// <summary>Dimensions of a head that rotary positions turn.</summary>
    /// <param name="headSize">Width of the head.</param>
    public int RotaryWidth(int headSize) => (int)(headSize * RotaryFraction);

    /// <summary>The same model with gains, biases and means of its norms, and what happens to its embeddings, folded
    /// into the linear maps and tables around them, so that the residual stream can be rotated.</summary>
    /// <returns>A spec with <see cref="NormKind.PlainRmsNorm"/>, a head of its own, and biases where a norm's bias goes
    /// to.</returns>
    public ModelSpec Folded()
    {
        ModelSpec folded = this with
        {
            Norm = NormKind.PlainRmsNorm,
            NormGainOffset = 0,
            EmbeddingNorm = false,
            EmbeddingScale = 1,
            TiedHead = false,
            HeadBias = HeadBias || NormsHaveBias,
        };
        if (!NormsHaveBias) return folded;
        string[] parts = [TensorNames.Query, TensorNames.Key, TensorNames.Value, TensorNames.Up];
        if (GatedMlp) parts = [.. parts, TensorNames.Gate];
        return Enumerable.Range(0, Layers.Count).Aggregate(folded, (spec, i) => spec.WithAddedBiases(i, parts));
    }

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
}
