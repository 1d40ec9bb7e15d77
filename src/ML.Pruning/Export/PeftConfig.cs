using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ML.Pruning.Models;

namespace ML.Pruning.Export;

/// <summary>adapter_config.json of PEFT: what of it changes the computation.</summary>
/// <param name="Alpha">lora_alpha.</param>
/// <param name="Alphas">alpha_pattern: other alphas by pattern of the module's name.</param>
/// <param name="IsRankStabilized">use_rslora.</param>
/// <param name="UsesDora">use_dora.</param>
internal sealed record PeftConfig(
    double Alpha, IReadOnlyList<(string Pattern, double Alpha)> Alphas, bool IsRankStabilized, bool UsesDora)
{
    private static readonly TimeSpan s_matchTime = TimeSpan.FromSeconds(1);

    // Settings that change what an adapter computes, and the only values that are understood.
    private static readonly (string Key, string[] Legal)[] s_fixed =
    [
        ("peft_type", ["LORA"]), ("bias", ["none"]), ("lora_bias", ["false"]), ("modules_to_save", ["[]"]),
        ("use_qalora", ["false"]), ("alora_invocation_tokens", []), ("trainable_token_indices", []),
    ];

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="ModelFormatException">A value is missing or not supported.</exception>
    public static PeftConfig Read(JsonObject config)
    {
        foreach ((string key, string[] legal) in s_fixed)
        {
            if (Text(config[key]) is not { } value || legal.Contains(value)) continue;
            throw new ModelFormatException($"adapter_config.json: '{key}' is {value}; supported: "
                + $"{string.Join(", ", [.. legal, "null"])}.");
        }

        var alphas = new List<(string, double)>();
        if (config["alpha_pattern"] is JsonObject patterns)
            foreach ((string pattern, JsonNode? alpha) in patterns)
                alphas.Add((pattern, Number("alpha_pattern", alpha)));
        return new PeftConfig(Number("lora_alpha", config["lora_alpha"]), alphas,
            Text(config["use_rslora"]) == "true", Text(config["use_dora"]) == "true");
    }

    /// <summary>Alpha of a module: that of the first pattern which matches the end of its name, else the common
    /// one.</summary>
    public double AlphaOf(string module)
    {
        foreach ((string pattern, double alpha) in Alphas)
        {
            try
            {
                if (Regex.IsMatch(module, $@"(^|.*\.)({pattern})$", RegexOptions.None, s_matchTime)) return alpha;
            }
            catch (Exception e) when (e is ArgumentException or RegexMatchTimeoutException)
            {
                throw new ModelFormatException(
                    $"adapter_config.json: the pattern \"{pattern}\" in 'alpha_pattern' is unusable: {e.Message}", e);
            }
        }

        return Alpha;
    }

    /// <summary>Writes a configuration.</summary>
    /// <param name="adapters">The adapted modules with rank and alpha, at least one.</param>
    /// <param name="modules">All modules that are linear maps.</param>
    /// <param name="isTransposed">Whether a module stores its weight transposed.</param>
    /// <param name="baseModel">What the adapter is for.</param>
    public static JsonObject Write(IReadOnlyList<(string Module, AdapterSpec Adapter)> adapters,
        IReadOnlyList<string> modules, bool isTransposed, string? baseModel)
    {
        AdapterSpec common = adapters[0].Adapter;
        HashSet<string> adapted = [.. adapters.Select(a => a.Module)];

        // The short name stands for the module in every layer.
        IEnumerable<string> targets = adapters
            .Select(a => modules.Where(m => Last(m) == Last(a.Module)).All(adapted.Contains)
                ? Last(a.Module) : a.Module)
            .Distinct();
        var ranks = new JsonObject();
        var alphas = new JsonObject();
        foreach ((string module, AdapterSpec adapter) in adapters)
        {
            if (adapter.Rank != common.Rank) ranks[Regex.Escape(module)] = adapter.Rank;
            if (adapter.Alpha != common.Alpha) alphas[Regex.Escape(module)] = adapter.Alpha;
        }

        return new JsonObject
        {
            ["peft_type"] = "LORA",
            ["task_type"] = "CAUSAL_LM",
            ["base_model_name_or_path"] = baseModel,
            ["r"] = common.Rank,
            ["lora_alpha"] = common.Alpha,
            ["lora_dropout"] = 0.0,
            ["target_modules"] = new JsonArray([.. targets.Select(t => (JsonNode)t)]),
            ["rank_pattern"] = ranks,
            ["alpha_pattern"] = alphas,
            ["use_rslora"] = common.RankStabilized,
            ["use_dora"] = common.HasMagnitude,
            ["bias"] = "none",
            ["fan_in_fan_out"] = isTransposed,
            ["modules_to_save"] = null,
            ["inference_mode"] = true,
        };
    }

    private static string Last(string module) => module[(module.LastIndexOf('.') + 1)..];

    private static double Number(string key, JsonNode? node) =>
        node is JsonValue value && value.TryGetValue(out double number) && double.IsFinite(number)
            ? number
            : throw new ModelFormatException(
                $"adapter_config.json: '{key}' is {node?.ToJsonString() ?? "missing"}; it must be a number.");

    // A text as it is, anything else as JSON.
    private static string? Text(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue(out string? text) ? text : node?.ToJsonString();
}
