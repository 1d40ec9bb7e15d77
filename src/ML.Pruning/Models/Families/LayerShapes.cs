using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>The <c>layer_shapes</c> key of config.json: one object a layer, for models whose layers differ.</summary>
internal static class LayerShapes
{
    /// <summary>The key.</summary>
    public const string Key = "layer_shapes";

    private const string BiasKey = "added_biases";
    private const string SlopesKey = "alibi_slopes";

    /// <summary>The layers of a configuration: those declared in <c>layer_shapes</c>, else equal ones.</summary>
    public static IReadOnlyList<LayerSpec> Read(ConfigReader config, int layerCount, LayerSpec uniform)
    {
        if (layerCount is < 1 or > 100_000)
            throw new ModelFormatException(
                $"config.json declares {layerCount} layers; between 1 and 100000 are legal.");
        IReadOnlyList<ConfigReader>? shapes = config.Objects(Key);
        if (shapes is null) return [.. Enumerable.Repeat(uniform, layerCount)];
        if (shapes.Count != layerCount)
        {
            throw new ModelFormatException($"config.json: '{Key}' has {shapes.Count} entries for {layerCount} layers; "
                + "it must have one for each.");
        }

        return [.. shapes.Select(shape => uniform with
        {
            Heads = shape.Int("num_attention_heads"),
            KeyValueHeads = shape.Int("num_key_value_heads"),
            HeadSize = shape.Int("head_dim"),
            MlpWidth = shape.Int("intermediate_size"),
            AddedBiases = shape.LinearParts(BiasKey),
            AlibiSlopes = shape.Doubles(SlopesKey) is { } slopes ? new HeadSlopes(slopes) : uniform.AlibiSlopes,
        })];
    }

    /// <summary>The JSON that <see cref="Read"/> takes.</summary>
    public static JsonArray Write(IReadOnlyList<LayerSpec> layers) => [.. layers.Select(Write)];

    private static JsonNode Write(LayerSpec layer)
    {
        var shape = new JsonObject
        {
            ["num_attention_heads"] = layer.Heads,
            ["num_key_value_heads"] = layer.KeyValueHeads,
            ["head_dim"] = layer.HeadSize,
            ["intermediate_size"] = layer.MlpWidth,
        };
        if (layer.AddedBiases != LinearParts.None)
        {
            shape[BiasKey] = new JsonArray([.. TensorNames.LinearMaps
                .Where(m => layer.AddedBiases.HasFlag(m.Flag)).Select(m => (JsonNode)m.Part)]);
        }

        if (layer.AlibiSlopes is { } slopes)
            shape[SlopesKey] = new JsonArray([.. slopes.Select(slope => (JsonNode)slope)]);
        return shape;
    }
}
