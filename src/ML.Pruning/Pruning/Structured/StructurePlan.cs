using System.Globalization;
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

    /// <summary>The plan for reading: totals and a row a layer.</summary>
    public static ReportTable Table(PruningPlan plan)
    {
        string about = plan.Families.All(f => f.IsExact) ? "" : "about ";
        string[] compete = about.Length == 0 ? []
            : ["All layers compete, so how much each loses depends on the weights; its share is shown."];
        return new ReportTable
        {
            Heading =
            [
                string.Create(CultureInfo.InvariantCulture, $"{plan.Method}: {plan.ParametersBefore:N0} parameters "
                    + $"before, {about}{plan.ParametersAfter:N0} after "
                    + $"({1 - (double)plan.ParametersAfter / plan.ParametersBefore:P1} less)."),
                string.Create(CultureInfo.InvariantCulture, $"At {PruningPlan.MacTokens} tokens "
                    + $"{plan.Before.MultiplyAccumulates(PruningPlan.MacTokens):N0} multiply-accumulates before, "
                    + $"{about}{plan.After.MultiplyAccumulates(PruningPlan.MacTokens):N0} after."),
                string.Create(CultureInfo.InvariantCulture, $"Peak memory about {plan.PeakMemoryBytes:N0} bytes, "
                    + $"temporary disk {plan.DiskBytes:N0} bytes."),
                Memory(plan),
                .. compete,
            ],
            Columns = [new("layer"), new("heads"), new("key/value"), new("MLP width"), new("hidden size")],
            Rows =
            [
                .. Rows(plan).Select(row => (string[])[$"{row.Layer}", Change(row.Before.Heads, row.After?.Heads),
                    Change(row.Before.KeyValueHeads, row.After?.KeyValueHeads),
                    Change(row.Before.MlpWidth, row.After?.MlpWidth),
                    Change(plan.Before.StreamWidth, row.After is null ? null : plan.After.StreamWidth)]),
            ],
        };
    }

    private static string Memory(PruningPlan plan)
    {
        MemoryNeeds before = new(plan.Before, plan.ContextLength), after = new(plan.After, plan.ContextLength);
        IEnumerable<string> needs = new (string What, Func<MemoryNeeds, long> Of)[]
        {
            ("bfloat16 weights", m => m.WeightBytes(TensorType.BF16)),
            ("keys and values", m => m.KeyValueBytes(TensorType.BF16)),
            ("LoRA", m => m.LoraBytes),
            ("full fine-tuning", m => m.FullFineTuningBytes),
        }.Select(m => string.Create(
            CultureInfo.InvariantCulture, $"{m.What} {m.Of(before):N0} -> {m.Of(after):N0}"));
        return string.Create(CultureInfo.InvariantCulture,
            $"Memory in bytes, with {before.ContextLength:N0} tokens: {string.Join("; ", needs)}.");
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
