using System.Text.Json;
using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>Typed access to a Hugging Face config.json, with errors that name the key, the value and what is
/// legal.</summary>
/// <param name="config">The object.</param>
/// <param name="path">What to put before keys in messages: empty, or the path of an inner object with a dot.</param>
internal sealed partial class ConfigReader(JsonObject config, string path = "")
{
    /// <summary>Keys that change the maths wherever they occur, with the values that leave it unchanged. A family that
    /// implements one of them reads it before <see cref="RefuseUnsupported"/> is called.</summary>
    private static readonly (string Key, string[] Neutral)[] s_mathsChangingKeys =
    [
        ("quantization_config", []),
        ("partial_rotary_factor", ["1", "1.0"]),
        ("rope_interleaved", ["false"]),
        ("num_local_experts", ["0", "1"]),
        ("num_experts", ["0", "1"]),
        ("attn_logit_softcapping", []),
        ("final_logit_softcapping", []),
        ("logit_scale", ["1", "1.0"]),
        ("logits_scaling", ["1", "1.0"]),
        ("embedding_multiplier", ["1", "1.0"]),
        ("residual_multiplier", ["1", "1.0"]),
        ("attention_multiplier", []),
        ("qk_layernorm", ["false"]),
        ("use_qk_norm", ["false"]),
        ("alibi", ["false"]),
        ("parallel_attn", ["false"]),
        ("use_parallel_residual", ["false"]),
        ("use_mrope", ["false"]),
        ("use_bidirectional_attention", ["false"]),
        ("is_causal", ["true"]),
        ("compression_config", []),
        ("use_sliding_window", ["false"]),
        ("sliding_window", []),
        ("is_encoder_decoder", ["false"]),
        ("add_cross_attention", ["false"]),
    ];

    private readonly HashSet<string> _handled = new(StringComparer.Ordinal);
    private readonly List<ConfigReader> _inner = [];

    /// <summary>Whether a key is there and not null.</summary>
    public bool Has(string key) => config.TryGetPropertyValue(key, out JsonNode? node) && node is not null;

    /// <summary>Whether a key is there with the value null, which some families tell from its absence.</summary>
    public bool IsNull(string key) => config.TryGetPropertyValue(key, out JsonNode? node) && node is null;

    /// <summary>An integer that must be there.</summary>
    public int Int(string key) => IntOrNull(key)
        ?? throw new ModelFormatException($"config.json has no '{path}{key}'; this model type needs it.");

    /// <summary>An integer, or the default.</summary>
    public int Int(string key, int fallback) => IntOrNull(key) ?? fallback;

    /// <summary>An integer, or null.</summary>
    public int? IntOrNull(string key)
    {
        JsonNode? node = Take(key);
        if (node is null) return null;
        if (node is JsonValue value && value.TryGetValue(out int number)) return number;
        throw new ModelFormatException($"config.json: '{path}{key}' is {Shown(node)}; it must be an integer.");
    }

    /// <summary>An integer that has two names, or the default.</summary>
    public int Int(string key, string alias, int fallback)
    {
        int? value = IntOrNull(key), other = IntOrNull(alias);
        if (value is not null && other is not null && value != other)
        {
            throw new ModelFormatException($"config.json: '{key}' is {value}, but '{alias}', another name of it, is "
                + $"{other}; remove one of them.");
        }

        return value ?? other ?? fallback;
    }

    /// <summary>The token that starts a text: null when the key says so, the family's own when it is not
    /// there.</summary>
    public int? BosTokenId(int? ofFamily, int vocabularySize) => config.ContainsKey("bos_token_id")
        ? IntOrNull("bos_token_id")
        : ofFamily < vocabularySize ? ofFamily : null;

    /// <summary>The tokens that end a text: none when the key says so, the family's own when it is not there.</summary>
    public IReadOnlyList<int> EosTokenIds(int? ofFamily, int vocabularySize) => config.ContainsKey("eos_token_id")
        ? Ints("eos_token_id")
        : ofFamily < vocabularySize ? [ofFamily.Value] : [];

    /// <summary>A number that must be there.</summary>
    public double Double(string key) => Has(key)
        ? Double(key, 0)
        : throw new ModelFormatException($"config.json has no '{path}{key}'; it is needed here.");

    /// <summary>A number, or the default.</summary>
    public double Double(string key, double fallback)
    {
        JsonNode? node = Take(key);
        if (node is null) return fallback;
        if (node is JsonValue value && value.TryGetValue(out double number)) return number;
        throw new ModelFormatException($"config.json: '{path}{key}' is {Shown(node)}; it must be a number.");
    }

    /// <summary>A truth value, or the default.</summary>
    public bool Bool(string key, bool fallback)
    {
        JsonNode? node = Take(key);
        if (node is null) return fallback;
        if (node is JsonValue value && value.TryGetValue(out bool flag)) return flag;
        throw new ModelFormatException($"config.json: '{path}{key}' is {Shown(node)}; it must be true or false.");
    }

    /// <summary>A text, or the default.</summary>
    public string String(string key, string fallback)
    {
        JsonNode? node = Take(key);
        if (node is null) return fallback;
        if (node is JsonValue value && value.TryGetValue(out string? text)) return text;
        throw new ModelFormatException($"config.json: '{path}{key}' is {Shown(node)}; it must be a string.");
    }

    /// <summary>An object, or null.</summary>
    public ConfigReader? Object(string key)
    {
        JsonNode? node = Take(key);
        return node switch
        {
            null or JsonObject { Count: 0 } => null,
            JsonObject inner => Inner(inner, key),
            _ => throw new ModelFormatException($"config.json: '{path}{key}' is {Shown(node)}; it must be an object."),
        };
    }

    /// <summary>An array of objects, or null.</summary>
    public IReadOnlyList<ConfigReader>? Objects(string key)
    {
        JsonNode? node = Take(key);
        if (node is null) return null;
        if (node is JsonArray array && array.All(item => item is JsonObject))
            return [.. array.Select((item, i) => Inner((JsonObject)item!, $"{key}[{i}]"))];
        throw new ModelFormatException($"config.json: '{path}{key}' must be an array of objects.");
    }

    /// <summary>An array of numbers; null when absent.</summary>
    public IReadOnlyList<double>? Doubles(string key)
    {
        JsonNode? node = Take(key);
        if (node is null) return null;
        var numbers = new List<double>();
        foreach (JsonNode? item in node as JsonArray ?? [null])
        {
            if (item is not JsonValue value || !value.TryGetValue(out double number))
            {
                throw new ModelFormatException(
                    $"config.json: '{path}{key}' is {Shown(node)}; it must be an array of numbers.");
            }

            numbers.Add(number);
        }

        return numbers;
    }

    /// <summary>One integer or an array of them; empty when absent.</summary>
    public IReadOnlyList<int> Ints(string key)
    {
        JsonNode? node = Take(key);
        JsonNode?[] items = node switch { null => [], JsonArray array => [.. array], _ => [node] };
        var numbers = new List<int>();
        foreach (JsonNode? item in items)
        {
            if (item is not JsonValue value || !value.TryGetValue(out int number))
                throw new ModelFormatException($"config.json: '{path}{key}' is {Shown(node)}; it must be an integer.");
            numbers.Add(number);
        }

        return numbers;
    }

    /// <summary>An array of linear maps by their canonical names; none when absent.</summary>
    public LinearParts LinearParts(string key)
    {
        JsonNode? node = Take(key);
        if (node is null) return Models.LinearParts.None;
        LinearParts parts = Models.LinearParts.None;
        foreach (JsonNode? item in node as JsonArray ?? [null])
        {
            string? name = item is JsonValue value && value.TryGetValue(out string? text) ? text : null;
            LinearParts part = TensorNames.LinearMaps.FirstOrDefault(m => m.Part == name).Flag;
            if (part == Models.LinearParts.None)
            {
                throw new ModelFormatException($"config.json: '{path}{key}' is {Shown(node)}; it must be an array of "
                    + $"{string.Join(", ", TensorNames.LinearMaps.Select(m => $"\"{m.Part}\""))}.");
            }

            parts |= part;
        }

        return parts;
    }

    /// <summary>Refuses a flag, true by default, that is false.</summary>
    public void RequireTrue(string key)
    {
        if (!Bool(key, true)) throw new ModelFormatException($"config.json: '{path}{key}' is false; only true is "
            + "supported.");
    }

    /// <summary>Refuses a flag, false by default, that is true.</summary>
    public void RequireFalse(string key)
    {
        if (Bool(key, false)) throw new ModelFormatException($"config.json: '{path}{key}' is true; only false is "
            + "supported.");
    }

    /// <summary>Refuses a number of heads that does not divide the hidden size.</summary>
    public void RequireDivides(string key, int divisor, string ofKey, int value)
    {
        if (divisor < 1 || value % divisor != 0)
            throw new ModelFormatException($"config.json: '{key}' is {divisor}; it must divide '{ofKey}' ({value}).");
    }

    /// <summary>The activation under a key.</summary>
    public ActivationKind Activation(string key, string fallback)
    {
        string name = String(key, fallback);
        return name switch
        {
            "silu" or "swish" => ActivationKind.Silu,
            "gelu" => ActivationKind.Gelu,
            "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" => ActivationKind.GeluTanh,
            "relu" => ActivationKind.Relu,
            _ => throw new ModelFormatException($"config.json: '{key}' is \"{name}\"; supported: silu, gelu, gelu_new, "
                + "gelu_pytorch_tanh, gelu_fast, relu."),
        };
    }

    /// <summary>Refuses an integer that is not the only supported one.</summary>
    public void RequireInt(string key, int only)
    {
        if (Int(key, only) is var value && value != only)
            throw new ModelFormatException($"config.json: '{path}{key}' is {value}; only {only} is supported.");
    }

    /// <summary>The layers with a sliding window left aside: <c>layer_types</c>, or the family's own rule.</summary>
    /// <param name="layers">The layers.</param>
    /// <param name="isFull">Whether a layer attends to all earlier tokens when the key is not there.</param>
    public IReadOnlyList<LayerSpec> WithLayerTypes(IReadOnlyList<LayerSpec> layers, Func<int, bool> isFull)
    {
        JsonNode? node = Take(LayerTypes.Key);
        if (node is null) return [.. layers.Select((layer, i) => layer with { FullAttention = isFull(i) })];
        string?[] types = [.. (node as JsonArray ?? []).Select(
            t => t is JsonValue value && value.TryGetValue(out string? name) ? name : null)];
        if (types.Length != layers.Count || !types.All(t => t is LayerTypes.Full or LayerTypes.Sliding))
        {
            throw new ModelFormatException($"config.json: '{LayerTypes.Key}' is {Shown(node)}; it must have for each "
                + $"of {layers.Count} layers \"{LayerTypes.Full}\" or \"{LayerTypes.Sliding}\".");
        }

        return [.. layers.Zip(types, (layer, type) => layer with { FullAttention = type == LayerTypes.Full })];
    }

    /// <summary>Refuses layers that attend in another way than the given one.</summary>
    /// <param name="expected">The only legal entry of <c>layer_types</c>.</param>
    public void RequireLayerTypes(string expected)
    {
        const string key = "layer_types";
        JsonNode? node = Take(key);
        if (node is null) return;
        JsonNode? other = node is JsonArray types
            ? types.FirstOrDefault(t => t is not JsonValue v || !v.TryGetValue(out string? name) || name != expected)
            : node;
        if (other is not null || node is JsonArray { Count: > 0 } array && array.Contains(null))
        {
            throw new ModelFormatException($"config.json: '{key}' holds {Shown(other)}; only layers that are all "
                + $"\"{expected}\" are supported with this configuration.");
        }
    }

    /// <summary>Refuses every key that changes the maths and that nobody has read.</summary>
    /// <exception cref="ModelFormatException">Such a key has a value that is not neutral.</exception>
    public void RefuseUnsupported(string family)
    {
        if (!_handled.Contains("layer_types")) RequireLayerTypes("full_attention");
        foreach (ConfigReader inner in _inner) inner.RefuseUnsupported(family);
        foreach ((string key, string[] neutral) in s_mathsChangingKeys)
        {
            if (_handled.Contains(key) || !Has(key)) continue;
            string shown = Shown(config[key]!);
            if (!neutral.Contains(shown))
            {
                throw new ModelFormatException($"config.json: '{path}{key}' is {shown}, which changes the computation "
                    + $"in a way that model type \"{family}\" does not support here"
                    + (neutral.Length > 0 ? $"; supported: {neutral[0]}." : "; remove it only if it has no effect."));
            }
        }
    }

    private static string Shown(JsonNode? node)
    {
        string text = node?.ToJsonString(JsonSerializerOptions.Default) ?? "null";
        return text.Length <= 80 ? text : text[..77] + "...";
    }

    private ConfigReader Inner(JsonObject inner, string name)
    {
        var reader = new ConfigReader(inner, $"{path}{name}.");
        _inner.Add(reader);
        return reader;
    }

    private JsonNode? Take(string key)
    {
        _handled.Add(key);
        return config.TryGetPropertyValue(key, out JsonNode? node) ? node : null;
    }
}
