using System.Globalization;
using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <content>The keys of encoders.</content>
internal sealed partial class ConfigReader
{
    private const string ArchitecturesKey = "architectures";
    private const string LabelsKey = "id2label";

    /// <summary>The head that <c>architectures</c> names; without that key, none.</summary>
    /// <param name="prefix">What the family's class names start with, such as <c>Bert</c>.</param>
    public EncoderHead EncoderHead(string prefix)
    {
        if (!Has(ArchitecturesKey)) return Models.EncoderHead.None;
        string? name = Take(ArchitecturesKey) is JsonArray { Count: > 0 } names && names[0] is JsonValue value
            && value.TryGetValue(out string? text) ? text : null;
        if (name == prefix + "Model") return Models.EncoderHead.None;
        if (name == prefix + "ForMaskedLM" || name == prefix + "ForPreTraining")
            return Models.EncoderHead.MaskedLanguageModel;
        return name == prefix + "ForSequenceClassification" ? Models.EncoderHead.Classification
            : throw new ModelFormatException($"config.json: '{ArchitecturesKey}' is {Shown(config[ArchitecturesKey])}; "
                + $"supported: {prefix}Model, {prefix}ForMaskedLM, {prefix}ForPreTraining (read as the latter), "
                + $"{prefix}ForSequenceClassification.");
    }

    /// <summary>The labels of a classifier: <c>id2label</c>, or <c>num_labels</c> (2 by default) with the names LABEL_0
    /// and so on.</summary>
    /// <exception cref="ModelFormatException">It is a regression, or tells several labels at a time.</exception>
    public IReadOnlyList<string> Labels()
    {
        const string only = "single_label_classification";
        if (String("problem_type", only) is var problem && problem != only)
            throw new ModelFormatException($"config.json: 'problem_type' is \"{problem}\"; supported: {only}.");
        int? count = IntOrNull("num_labels");
        string[] labels = Take(LabelsKey) switch
        {
            null => [.. Enumerable.Range(0, count ?? 2).Select(i => $"LABEL_{i}")],
            JsonObject names => [.. Enumerable.Range(0, names.Count).Select(i => LabelName(names, i))],
            JsonNode other => throw new ModelFormatException($"config.json: '{LabelsKey}' is {Shown(other)}; it must "
                + "be an object with the keys \"0\", \"1\" and so on."),
        };
        if (count is not null && count != labels.Length)
        {
            throw new ModelFormatException($"config.json: 'num_labels' is {count}, but '{LabelsKey}' has "
                + $"{labels.Length} labels.");
        }

        if (labels.Length < 2)
        {
            throw new ModelFormatException($"config.json: '{LabelsKey}' has {labels.Length} labels, which is a "
                + "regression; classifiers with at least two labels are supported.");
        }

        return labels;
    }

    /// <summary>Refuses a text that is not the only supported one.</summary>
    public void RequireString(string key, string only)
    {
        if (String(key, only) is var value && value != only)
            throw new ModelFormatException($"config.json: '{path}{key}' is \"{value}\"; only \"{only}\" is supported.");
    }

    /// <summary>Writes labels.</summary>
    public static void WriteLabels(JsonObject config, IReadOnlyList<string> labels)
    {
        config.Remove("num_labels");
        config[LabelsKey] = new JsonObject(labels.Select((label, i) =>
            KeyValuePair.Create(i.ToString(CultureInfo.InvariantCulture), (JsonNode?)label)));
        config["label2id"] = new JsonObject(labels.Select((label, i) => KeyValuePair.Create(label, (JsonNode?)i)));
    }

    private static string LabelName(JsonObject names, int index) =>
        names[index.ToString(CultureInfo.InvariantCulture)] is JsonValue value && value.TryGetValue(out string? name)
            ? name
            : throw new ModelFormatException($"config.json: '{LabelsKey}' is {Shown(names)}; it must have a name for "
                + $"each of \"0\" to \"{names.Count - 1}\".");
}
