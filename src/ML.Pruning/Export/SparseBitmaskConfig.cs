using System.Text.Json.Nodes;

namespace ML.Pruning.Export;

/// <summary>The part of config.json by which the compressed-tensors library declares that weights are stored as bitmask
/// and values. Only the storage differs, so reading removes it.</summary>
internal static class SparseBitmaskConfig
{
    private const string Key = "quantization_config";

    public static void Add(JsonObject config) => config[Key] = new JsonObject
    {
        ["quant_method"] = "compressed-tensors",
        ["format"] = "dense",
        ["sparsity_config"] = new JsonObject
        {
            ["format"] = "sparse-bitmask",
            ["sparsity_structure"] = "unstructured",
        },
    };

    public static void Remove(JsonObject config)
    {
        if (config[Key] is JsonObject quantization
            && Text(quantization, "quant_method") == "compressed-tensors"
            && Text(quantization, "format") is (null or "dense")
            && quantization["config_groups"] is (null or JsonObject { Count: 0 })
            && quantization["sparsity_config"] is JsonObject sparsity
            && Text(sparsity, "format") == "sparse-bitmask")
        {
            config.Remove(Key);
        }
    }

    private static string? Text(JsonObject owner, string key) =>
        owner[key] is JsonValue value && value.TryGetValue(out string? text) ? text : null;
}
