using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>The <c>layer_types</c> key of config.json: which layers have the sliding window.</summary>
internal static class LayerTypes
{
    /// <summary>The key.</summary>
    public const string Key = "layer_types";

    /// <summary>A layer that attends to all earlier tokens.</summary>
    public const string Full = "full_attention";

    /// <summary>A layer with the sliding window.</summary>
    public const string Sliding = "sliding_attention";

    /// <summary>Writes the key where it stands already or the family's own rule says something else.</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="config">The configuration to update.</param>
    /// <param name="isFull">Whether a layer attends to all earlier tokens when the key is not there.</param>
    public static void Write(ModelSpec spec, JsonObject config, Func<int, bool> isFull)
    {
        bool ruled = spec.Layers.Select((layer, i) => layer.FullAttention == isFull(i)).All(same => same);
        if (config[Key] is null && ruled) return;
        config[Key] = new JsonArray([.. spec.Layers.Select(l => (JsonNode)(l.FullAttention ? Full : Sliding))]);
    }
}
