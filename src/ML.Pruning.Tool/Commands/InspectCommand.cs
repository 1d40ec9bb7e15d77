using System.CommandLine;
using System.Text.Json.Nodes;
using ML.Pruning.Evaluation;
using ML.Pruning.Models;
using ML.Pruning.Tool.Output;
using ML.Pruning.Transforms;
using Spectre.Console;

namespace ML.Pruning.Tool.Commands;

/// <summary><c>mlprune inspect</c>: what a model is made of.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        Argument<string> model = CommonOptions.Model();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("inspect", "Show family, layers, parameters, bytes and zeros of a model.") { model, json };
        command.SetAction((parse, cancellationToken) => Failure.GuardAsync(() =>
        {
            using LanguageModel opened = LanguageModelSource.Open(parse.GetRequiredValue(model));
            SizeAudit audit = SizeAudit.Of(opened, cancellationToken);
            if (parse.GetValue(json)) JsonOutput.Write(ToJson(opened, audit));
            else Print(opened, audit);
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

    private static void Print(LanguageModel model, SizeAudit audit)
    {
        Console.Out.WriteLine($"{model}; hidden size {model.Spec.HiddenSize}, context {model.Spec.ContextLength}, "
            + $"vocabulary {model.Spec.VocabularySize}");
        Console.Out.WriteLine($"{audit.DenseBytes:N0} bytes dense, {audit.CompressedBytes:N0} compressed; "
            + $"{audit.Zeros:N0} zeros ({(double)audit.Zeros / model.Spec.ParameterCount:P1})");
        var table = new Table().AddColumns("tensor", "shape", "type", "zeros");
        foreach (TensorAudit tensor in audit.Tensors)
        {
            table.AddRow(Markup.Escape(tensor.Name), Markup.Escape($"[{string.Join(", ", tensor.Shape)}]"), tensor.Type,
                $"{(double)tensor.Zeros / tensor.Elements:P1}");
        }

        AnsiConsole.Write(table);
    }
}
