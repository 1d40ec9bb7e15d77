using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;

namespace ML.Pruning.Pruning.Structured;

/// <summary>The part of a plan that says how a model becomes smaller.</summary>
internal static class StructurePlan
{
    /// <summary>For each layer of the model before: layer, removed, exact, and before and after each of heads,
    /// keyValueHeads, mlpWidth and hiddenSize.</summary>
    public static JsonArray Layers(PruningPlan plan) => [.. Rows(plan).Select(row => (JsonNode)new JsonObject
    {
        ["layer"] = row.Layer,
        ["removed"] = row.After is null,
        ["exact"] = plan.Families.Where(f => f.Layer == row.Layer || f.Layer < 0).All(f => f.IsExact),
        ["heads"] = Pair(row.Before.Heads, row.After?.Heads),
        ["keyValueHeads"] = Pair(row.Before.KeyValueHeads, row.After?.KeyValueHeads),
        ["mlpWidth"] = Pair(row.Before.MlpWidth, row.After?.MlpWidth),
        ["hiddenSize"] = Pair(plan.Before.StreamWidth, row.After is null ? null : plan.After.StreamWidth),
    })];

    /// <summary>The plan for reading: totals and a line a layer; lines end with a line feed.</summary>
    public static string Table(PruningPlan plan)
    {
        var text = new StringBuilder();
        string about = plan.Families.All(f => f.IsExact) ? "" : "about ";
        text.Append(CultureInfo.InvariantCulture, $"{plan.Method}: {plan.ParametersBefore:N0} parameters before, {about}"
            + $"{plan.ParametersAfter:N0} after ({1 - (double)plan.ParametersAfter / plan.ParametersBefore:P1} less).\n");
        text.Append(CultureInfo.InvariantCulture, $"At {PruningPlan.MacTokens} tokens "
            + $"{plan.Before.MultiplyAccumulates(PruningPlan.MacTokens):N0} multiply-accumulates before, {about}"
            + $"{plan.After.MultiplyAccumulates(PruningPlan.MacTokens):N0} after.\n");
        text.Append(CultureInfo.InvariantCulture, $"Peak memory about {plan.PeakMemoryBytes:N0} bytes, temporary disk "
            + $"{plan.DiskBytes:N0} bytes.\n");
        AppendMemory(text, plan);
        if (about.Length > 0)
            text.Append("All layers compete, so how much each loses depends on the weights; its share is shown.\n");
        text.Append($"{"layer",5}  {"heads",13}  {"key/value",13}  {"MLP width",15}  {"hidden size",15}\n");
        foreach ((int layer, LayerSpec before, LayerSpec? after) in Rows(plan))
        {
            text.Append(CultureInfo.InvariantCulture, $"{layer,5}  {Change(before.Heads, after?.Heads),13}  "
                + $"{Change(before.KeyValueHeads, after?.KeyValueHeads),13}  "
                + $"{Change(before.MlpWidth, after?.MlpWidth),15}  "
                + $"{Change(plan.Before.StreamWidth, after is null ? null : plan.After.StreamWidth),15}\n");
        }

        return text.ToString();
    }

    private static void AppendMemory(StringBuilder text, PruningPlan plan)
    {
        MemoryNeeds before = new(plan.Before, plan.ContextLength), after = new(plan.After, plan.ContextLength);
        text.Append(CultureInfo.InvariantCulture, $"Memory in bytes, with {before.ContextLength:N0} tokens: ");
        text.Append(string.Join("; ", new (string What, Func<MemoryNeeds, long> Of)[]
        {
            ("bfloat16 weights", m => m.WeightBytes(TensorType.BF16)),
            ("keys and values", m => m.KeyValueBytes(TensorType.BF16)),
            ("LoRA", m => m.LoraBytes),
            ("full fine-tuning", m => m.FullFineTuningBytes),
        }.Select(m => string.Create(
            CultureInfo.InvariantCulture, $"{m.What} {m.Of(before):N0} -> {m.Of(after):N0}"))));
        text.Append(".\n");
    }

    private static IEnumerable<(int Layer, LayerSpec Before, LayerSpec? After)> Rows(PruningPlan plan)
    {
        HashSet<int> gone =
            [.. plan.Families.Where(f => f.Kind == GroupKind.Layer && f.Removed > 0).Select(f => f.Layer)];
        int next = 0;
        for (int layer = 0; layer < plan.Before.Layers.Count; layer++)
            yield return (layer, plan.Before.Layers[layer], gone.Contains(layer) ? null : plan.After.Layers[next++]);
    }

    private static JsonObject Pair(int before, int? after) => new() { ["before"] = before, ["after"] = after ?? 0 };

    private static string Change(int before, int? after) => after is null ? "gone"
        : before == after ? before.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{before} -> {after}");
}
