using System.Text.Json.Nodes;
using ML.Pruning.Models;

namespace ML.Pruning.Export.Onnx;

/// <summary>Refuses models with a part that the exporter does not know, so that none is exported without it.</summary>
internal static class ExportableSpec
{
    private static readonly JsonObject s_plain = Read(new ModelSpec
    {
        Family = "",
        VocabularySize = 1,
        HiddenSize = 1,
        ContextLength = 1,
        Layers = [new LayerSpec { Heads = 1, KeyValueHeads = 1, HeadSize = 2, MlpWidth = 1 }],
    });

    private static readonly PositionKind[] s_positions =
        [PositionKind.Rotary, PositionKind.Learned, PositionKind.Alibi];

    private static readonly NormKind[] s_norms = [NormKind.RmsNorm, NormKind.LayerNorm];

    private static readonly ActivationKind[] s_activations =
        [ActivationKind.Silu, ActivationKind.Gelu, ActivationKind.GeluTanh, ActivationKind.Relu];

    private static readonly string[] s_known =
    [
        nameof(ModelSpec.Family), nameof(ModelSpec.VocabularySize), nameof(ModelSpec.HiddenSize),
        nameof(ModelSpec.ContextLength), nameof(ModelSpec.Layers), nameof(ModelSpec.Norm),
        nameof(ModelSpec.NormEpsilon), nameof(ModelSpec.NormBias), nameof(ModelSpec.NormGainOffset),
        nameof(ModelSpec.EmbeddingNorm), nameof(ModelSpec.PostNorms), nameof(ModelSpec.QueryKeyNorm),
        nameof(ModelSpec.ParallelResidual), nameof(ModelSpec.EmbeddingScale), nameof(ModelSpec.Positions),
        nameof(ModelSpec.RopeTheta), nameof(ModelSpec.RopeScaling), nameof(ModelSpec.RotaryFraction),
        nameof(ModelSpec.PositionOffset), nameof(ModelSpec.SlidingWindow), nameof(ModelSpec.AttentionScale),
        nameof(ModelSpec.AttentionSoftCap), nameof(ModelSpec.LogitSoftCap), nameof(ModelSpec.QueryKeyValueClip),
        nameof(ModelSpec.Activation), nameof(ModelSpec.GatedMlp), nameof(ModelSpec.QueryKeyValueBias),
        nameof(ModelSpec.OutputBias), nameof(ModelSpec.MlpBias), nameof(ModelSpec.TiedHead),
        nameof(ModelSpec.BosTokenId), nameof(ModelSpec.EosTokenIds),
    ];

    private static readonly string[] s_knownOfEncoders =
        [.. s_known, nameof(ModelSpec.Encoder), nameof(ModelSpec.NormAfterSum), nameof(ModelSpec.HeadBias)];

    private static readonly string[] s_knownOfLayer =
    [
        nameof(LayerSpec.Heads), nameof(LayerSpec.KeyValueHeads), nameof(LayerSpec.HeadSize),
        nameof(LayerSpec.MlpWidth), nameof(LayerSpec.AddedBiases), nameof(LayerSpec.FullAttention),
        nameof(LayerSpec.AlibiSlopes), nameof(LayerSpec.QueryWidth), nameof(LayerSpec.KeyValueWidth),
    ];

    /// <summary>Checks a model.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <exception cref="NotSupportedException">It has an unknown part; the message names it.</exception>
    public static void Check(ModelSpec spec)
    {
        if (WhyNot(spec) is { } reason) throw new NotSupportedException(reason);
    }

    /// <summary>Says why a model cannot be exported.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <returns>The part that is unknown; null = there is none.</returns>
    public static string? WhyNot(ModelSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        JsonObject model = Read(spec);
        return WhyNot("The model", model, s_plain, spec.Encoder is null ? s_known : s_knownOfEncoders)
            ?? (s_positions.Contains(spec.Positions) && s_norms.Contains(spec.Norm)
                && s_activations.Contains(spec.Activation) ? null : Unknown("The model",
                    $"{spec.Positions} positions, {spec.Norm} norms and {spec.Activation} activations"))
            ?? model["layers"]!.AsArray().Select((layer, i) => WhyNot(
                $"Layer {i}", layer!.AsObject(), s_plain["layers"]![0]!.AsObject(), s_knownOfLayer))
                .FirstOrDefault(reason => reason is not null);
    }

    private static JsonObject Read(ModelSpec spec) => JsonNode.Parse(spec.ToJson())!.AsObject();

    // What is not known must be as in a plain model, where it does nothing.
    private static string? WhyNot(string what, JsonObject found, JsonObject plain, string[] known)
    {
        foreach ((string name, JsonNode? value) in found)
        {
            if (known.Contains(name, StringComparer.OrdinalIgnoreCase)) continue;
            plain.TryGetPropertyValue(name, out JsonNode? usual);
            if (!JsonNode.DeepEquals(value, usual)) return Unknown(what, $"{name} = {value?.ToJsonString() ?? "null"}");
        }

        return null;
    }

    private static string Unknown(string what, string part) =>
        $"{what} has {part}, which the ONNX exporter of this version does not know; run it with the engine torch.";
}
