using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using ML.Pruning.Evaluation;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tool.Output;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tool.Commands;

/// <summary><c>mlprune inspect</c>: what a model is made of.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        Argument<string> model = CommonOptions.Model();
        Option<bool> json = CommonOptions.Json();
        var command =
            new Command("inspect", "Show family, layers, parameters, bytes and zeros of a model.") { model, json };
        command.SetAction((parse, cancellationToken) => Failure.GuardAsync(() =>
        {
            using LanguageModel opened = LanguageModelSource.Open(parse.GetRequiredValue(model));
            SizeAudit audit = SizeAudit.Of(opened, cancellationToken);
            if (parse.GetValue(json)) JsonOutput.Write(ToJson(opened, audit));
            else ToolConsole.Out.Write(ToTable(opened, audit));
        }));
        return command;
    }

    private static JsonObject ToJson(LanguageModel model, SizeAudit audit) => new()
    {
        ["family"] = model.Spec.Family,
        ["layers"] = model.Spec.Layers.Count,
        ["hiddenSize"] = model.Spec.HiddenSize,
        ["vocabularySize"] = model.Spec.VocabularySize,
        ["contextLength"] = model.Spec.ContextLength,
        ["parameters"] = model.Spec.ParameterCount,
        ["zeros"] = audit.Zeros,
        ["bytes"] = audit.DenseBytes,
        ["compressedBytes"] = audit.CompressedBytes,
        ["tensors"] = new JsonArray([.. audit.Tensors.Select(t => (JsonNode)new JsonObject
        {
            ["name"] = t.Name,
            ["shape"] = new JsonArray([.. t.Shape.Select(n => (JsonNode)JsonValue.Create(n))]),
            ["type"] = t.Type,
            ["elements"] = t.Elements,
            ["zeros"] = t.Zeros,
            ["bytes"] = t.DenseBytes,
        })]),
    };

    private static ReportTable ToTable(LanguageModel model, SizeAudit audit) => new()
    {
        Heading =
        [
            $"{model}; hidden size {model.Spec.HiddenSize}, context {model.Spec.ContextLength}, "
                + $"vocabulary {model.Spec.VocabularySize}",
            string.Create(CultureInfo.InvariantCulture, $"{audit.DenseBytes:N0} bytes dense, "
                + $"{audit.CompressedBytes:N0} compressed; {audit.Zeros:N0} zeros "
                + $"({(double)audit.Zeros / model.Spec.ParameterCount:P1})"),
        ],
        Columns = [new("tensor", IsNumber: false), new("shape"), new("type", IsNumber: false), new("zeros")],
        Rows =
        [
            .. audit.Tensors.Select(tensor => (string[])[tensor.Name, $"[{string.Join(", ", tensor.Shape)}]",
                tensor.Type, ((double)tensor.Zeros / tensor.Elements).ToString("P1", CultureInfo.InvariantCulture)]),
        ],
    };
}
