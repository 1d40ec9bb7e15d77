using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;

namespace ML.Pruning.Export;

/// <summary>The part of config.json by which the compressed-tensors library declares how weights are stored: as bitmask
/// and values, on an integer grid, or both. Only the storage of weights differs, so reading removes it.</summary>
internal static class CompressedTensorsConfig
{
    private const string Key = "quantization_config";
    private const string Method = "compressed-tensors";
    private const string Int8 = "int-quantized";
    private const string Int4 = "pack-quantized";
    private const string Mixed = "mixed-precision";
    private const string WeightSuffix = ".weight";

    private static readonly string[] s_formats = [Int8, "naive-quantized", Int4, Mixed, "dense"];

    /// <summary>Declares how tensors are stored.</summary>
    /// <param name="config">The configuration; an earlier declaration in it is replaced.</param>
    /// <param name="spec">The model.</param>
    /// <param name="tensors">The tensors under the family's names, with the role of each.</param>
    /// <param name="sparse">Whether sparse ones are stored as bitmask and values.</param>
    public static void Write(JsonObject config, ModelSpec spec,
        IReadOnlyList<(StoredTensor Tensor, ParameterRole Role)> tensors, bool sparse)
    {
        config.Remove(Key);
        bool quantized = tensors.Any(t => t.Tensor is QuantizedTensor);
        if (!sparse && !quantized) return;
        var declared = new JsonObject { ["quant_method"] = Method, ["format"] = "dense" };
        if (quantized) DeclareGrids(declared, spec, tensors);
        if (sparse)
        {
            declared["sparsity_config"] = new JsonObject
            {
                ["format"] = "sparse-bitmask",
                ["sparsity_structure"] = "unstructured",
            };
        }

        config[Key] = declared;
    }

    /// <summary>Takes the declaration out, if there is one of this library.</summary>
    /// <returns>The grids that it declares: bits, and columns of a group or null for one scale a row.</returns>
    /// <exception cref="ModelFormatException">It declares something else than weights on symmetric integer grids and
    /// bitmasks.</exception>
    public static IReadOnlySet<(int Bits, int? GroupSize)> Remove(JsonObject config)
    {
        var grids = new HashSet<(int Bits, int? GroupSize)>();
        if (config[Key] is not JsonObject declared || Text(declared["quant_method"]) != Method) return grids;
        Require(declared["format"], "format", f => f is null || s_formats.Contains(f), string.Join(", ", s_formats));
        Require(declared["kv_cache_scheme"], "kv_cache_scheme", v => v is null, "null");
        if (declared["sparsity_config"] is JsonObject { Count: > 0 } sparsity)
        {
            Require(sparsity["format"], "sparsity_config.format", f => f is null or "sparse-bitmask" or "dense",
                "sparse-bitmask, dense");
        }

        if (declared["config_groups"] is JsonObject groups)
            foreach ((string name, JsonNode? group) in groups) grids.Add(ReadGroup($"config_groups.{name}", group));
        config.Remove(Key);
        return grids;
    }

    /// <summary>Checks that quantised tensors are on grids that the configuration declares.</summary>
    /// <exception cref="ModelFormatException">One is not; the message names it.</exception>
    public static void Check(
        IReadOnlySet<(int Bits, int? GroupSize)> declared, IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        foreach ((string name, StoredTensor tensor) in tensors)
        {
            if (tensor is not QuantizedTensor quantized || declared.Contains(GridOf(quantized))) continue;
            // A row that is narrower than a group has one scale either way.
            bool single = GridOf(quantized).GroupSize is null && declared.Any(
                d => d.Bits == quantized.Grid.Bits && d.GroupSize >= quantized.Shape[1]);
            if (single) continue;
            throw new ModelFormatException($"Tensor '{name}' is stored on the grid {quantized.Grid} with scales "
                + $"[{string.Join(", ", quantized.Scales.Shape)}], which '{Key}' of config.json does not declare.");
        }
    }

    private static (int Bits, int? GroupSize) GridOf(QuantizedTensor tensor) => (tensor.Grid.Bits,
        tensor.Scales.Shape[1] == 1 ? null : tensor.Grid.GroupColumns((int)tensor.Shape[1]));

    private static void DeclareGrids(
        JsonObject declared, ModelSpec spec, IReadOnlyList<(StoredTensor Tensor, ParameterRole Role)> tensors)
    {
        ILookup<(int Bits, int? GroupSize), (string Module, ParameterRole Role)> grids = tensors
            .Where(t => t.Tensor is QuantizedTensor)
            .ToLookup(t => GridOf((QuantizedTensor)t.Tensor), t => (Module(t.Tensor), t.Role));
        int[] bits = [.. grids.Select(g => g.Key.Bits).Distinct()];
        declared["format"] = bits.Length > 1 ? Mixed : Format(bits[0]);
        declared["quantization_status"] = "compressed";
        var groups = new JsonObject();
        foreach (var grid in grids)
        {
            // With one grid all linear maps but the ignored ones are on it; with several each is named.
            IEnumerable<string> targets = grids.Count > 1
                ? grid.Select(t => t.Module)
                : ["Linear", .. grid.Where(t => t.Role == ParameterRole.Embedding).Select(t => t.Module)];
            var group = new JsonObject
            {
                ["targets"] = Names(targets),
                ["weights"] = new JsonObject
                {
                    ["num_bits"] = grid.Key.Bits,
                    ["type"] = "int",
                    ["symmetric"] = true,
                    ["strategy"] = grid.Key.GroupSize is null ? "channel" : "group",
                    ["group_size"] = grid.Key.GroupSize,
                    ["dynamic"] = false,
                },
                ["input_activations"] = null,
                ["output_activations"] = null,
            };
            if (bits.Length > 1) group["format"] = Format(grid.Key.Bits);
            groups[$"group_{groups.Count}"] = group;
        }

        declared["config_groups"] = groups;
        IEnumerable<string> ignored = tensors
            .Where(t => t.Tensor is not QuantizedTensor && t.Role is (ParameterRole.Linear or ParameterRole.Head))
            .Select(t => Module(t.Tensor));
        declared["ignore"] = Names(spec.TiedHead ? [.. ignored, "lm_head"] : ignored);
    }

    private static (int Bits, int? GroupSize) ReadGroup(string path, JsonNode? node)
    {
        if (node is not JsonObject group || group["weights"] is not JsonObject weights)
            throw new ModelFormatException($"config.json: '{Key}.{path}' declares no weights.");
        Require(group["input_activations"], $"{path}.input_activations", v => v is null, "null");
        Require(group["output_activations"], $"{path}.output_activations", v => v is null, "null");
        Require(weights["num_bits"], $"{path}.weights.num_bits", v => v is "4" or "8", "4, 8");
        Require(weights["type"], $"{path}.weights.type", v => v is null or "int", "int");
        Require(weights["symmetric"], $"{path}.weights.symmetric", v => v is null or "true", "true");
        Require(weights["actorder"], $"{path}.weights.actorder", v => v is null or "weight" or "static", "null");
        Require(weights["strategy"], $"{path}.weights.strategy", v => v is "channel" or "group", "channel, group");
        int bits = Text(weights["num_bits"]) == "4" ? 4 : 8;
        if (Text(weights["strategy"]) == "channel") return (bits, null);
        Require(weights["strategy"], $"{path}.weights.strategy", _ => bits == 4, "channel (with 8 bits)");
        bool isSize = weights["group_size"] is JsonValue value && value.TryGetValue(out int size) && size >= 1;
        Require(weights["group_size"], $"{path}.weights.group_size", _ => isSize, "a positive integer");
        return (bits, weights["group_size"]!.GetValue<int>());
    }

    private static void Require(JsonNode? node, string path, Func<string?, bool> legal, string supported)
    {
        if (legal(Text(node))) return;
        string shown = node?.ToJsonString() ?? "missing";
        if (shown.Length > 80) shown = shown[..77] + "...";
        throw new ModelFormatException($"config.json: '{Key}.{path}' is {shown}; supported: {supported}.");
    }

    private static string Module(StoredTensor tensor) => tensor.Name.EndsWith(WeightSuffix, StringComparison.Ordinal)
        ? tensor.Name[..^WeightSuffix.Length]
        : tensor.Name;

    private static string Format(int bits) => bits == 8 ? Int8 : Int4;

    private static JsonArray Names(IEnumerable<string> names) => new([.. names.Select(n => (JsonNode)n)]);

    // A text as it is, anything else as JSON.
    private static string? Text(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue(out string? text) ? text : node?.ToJsonString();
}
