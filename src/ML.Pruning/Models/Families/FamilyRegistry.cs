using System.Text.Json;
using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>The model families that this library knows, by <c>model_type</c>.</summary>
public static class FamilyRegistry
{
    private static readonly Dictionary<string, ModelFamily> s_families = new ModelFamily[]
    {
        new BertFamily(), new BloomFamily(), new DistilBertFamily(), new Gemma2Family(), new Gpt2Family(),
        new GptNeoXFamily(), new LlamaFamily(), new MistralFamily(), new MptFamily(), new OptFamily(), new Phi3Family(),
        new Qwen2Family(), new Qwen3Family(), new RobertaFamily(),
    }.ToDictionary(f => f.ModelType, StringComparer.Ordinal);

    /// <summary>The names of the known families, sorted.</summary>
    public static IReadOnlyList<string> ModelTypes { get; } = [.. s_families.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Finds a family.</summary>
    /// <param name="modelType">The <c>model_type</c>.</param>
    /// <returns>The family.</returns>
    /// <exception cref="ModelFormatException">No such family is known.</exception>
    public static ModelFamily Get(string modelType) => s_families.TryGetValue(modelType, out ModelFamily? family)
        ? family
        : throw new ModelFormatException($"The model type is \"{modelType}\"; supported: "
            + $"{string.Join(", ", ModelTypes)}.");

    /// <summary>Reads a configuration of any known family.</summary>
    /// <param name="config">The content of config.json.</param>
    /// <returns>The spec, validated.</returns>
    /// <exception cref="ModelFormatException">The family is unknown, or a value is not supported.</exception>
    public static ModelSpec ReadConfig(JsonObject config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (config["model_type"] is not JsonValue value || !value.TryGetValue(out string? modelType))
        {
            throw new ModelFormatException("config.json has no 'model_type'; it must be one of "
                + $"{string.Join(", ", ModelTypes)}.");
        }

        return Get(modelType).ReadConfig(config);
    }

    /// <summary>Parses a config.json.</summary>
    /// <param name="json">The text.</param>
    /// <returns>The object.</returns>
    /// <exception cref="ModelFormatException">Not a JSON object.</exception>
    public static JsonObject ParseConfig(string json)
    {
        try
        {
            return JsonNode.Parse(json) as JsonObject
                ?? throw new ModelFormatException("config.json is not a JSON object.");
        }
        catch (JsonException e)
        {
            throw new ModelFormatException($"config.json is not valid JSON: {e.Message}", e);
        }
    }
}
