using System.Text.Json.Nodes;
using ML.Pruning.Models;

namespace ML.Pruning.Export.Onnx;

/// <summary>Refuses models with a part that the exporter does not know, so that none is exported without it.</summary>
internal static class ExportableSpec
{
    private static readonly LayerSpec s_plainLayer =
        new() { Heads = 1, KeyValueHeads = 1, HeadSize = 2, MlpWidth = 1 };

    private static readonly ModelSpec s_plain = new()
    {
        Family = "",
        VocabularySize = 1,
        HiddenSize = 1,
        ContextLength = 1,
        Layers = [s_plainLayer],
    };

    private static readonly PositionKind[] s_positions =
        [PositionKind.Rotary, PositionKind.Learned, PositionKind.Alibi];

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
        JsonObject model = Read(spec), plain = Read(s_plain);
        Check("The model", model, plain, s_known);
        if (!s_positions.Contains(spec.Positions))
            throw new NotSupportedException($"The positions {spec.Positions} cannot be exported to ONNX.");
        JsonNode plainLayer = plain["layers"]![0]!;
        foreach ((JsonNode? layer, int i) in model["layers"]!.AsArray().Select((layer, i) => (layer, i)))
            Check($"Layer {i}", layer!.AsObject(), plainLayer.AsObject(), s_knownOfLayer);
    }

    private static JsonObject Read(ModelSpec spec) => JsonNode.Parse(spec.ToJson())!.AsObject();

    // What is not known must be as in a plain model, where it does nothing.
    private static void Check(string what, JsonObject found, JsonObject plain, string[] known)
    {
        foreach ((string name, JsonNode? value) in found)
        {
            if (known.Contains(name, StringComparer.OrdinalIgnoreCase)) continue;
            plain.TryGetPropertyValue(name, out JsonNode? usual);
            if (!JsonNode.DeepEquals(value, usual))
            {
                throw new NotSupportedException($"{what} has {name} = {value?.ToJsonString() ?? "null"}, which the ONNX "
                    + "exporter of this version does not know; run the model with the engine torch.");
            }
        }
    }
}
