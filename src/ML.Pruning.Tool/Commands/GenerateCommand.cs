using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Tool.Output;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tool.Commands;

/// <summary><c>mlprune generate</c>: continues a prompt.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        Argument<string> model = CommonOptions.Model();
        Option<string> prompt = new("--prompt")
        {
            Description = "The text to continue; empty = from BOS.",
            DefaultValueFactory = _ => "",
        };
        Option<int> tokens = new("--max-new-tokens")
        {
            Description = "Tokens to generate at most, at least 1.",
            DefaultValueFactory = _ => 128,
        };
        Option<double> temperature = new("--temperature")
        {
            Description = "0 = greedy; higher = more random.",
            DefaultValueFactory = _ => 0,
        };
        Option<int> topK = new("--top-k")
        {
            Description = "Sample among this many likeliest tokens; 0 = off.",
            DefaultValueFactory = _ => 0,
        };
        Option<double> topP = new("--top-p")
        {
            Description = "Sample among the likeliest tokens that reach this total probability; 1 = off.",
            DefaultValueFactory = _ => 1,
        };
        Option<double> minP = new("--min-p")
        {
            Description = "Sample among tokens with at least this share of the likeliest one's probability; 0 = off.",
            DefaultValueFactory = _ => 0,
        };
        Option<double> penalty = new("--repetition-penalty")
        {
            Description = "Weaken tokens that have occurred; 1 = off.",
            DefaultValueFactory = _ => 1,
        };
        Option<string[]> stop = new("--stop")
        {
            Description = "End before this text; may be given several times.",
            DefaultValueFactory = _ => [],
        };
        Option<int> seed = new("--seed") { Description = "Seed of the sampling.", DefaultValueFactory = _ => 0 };
        Option<string?> engine = CommonOptions.Engine();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("generate", "Continue a prompt; prints prompt and continuation.")
        {
            model, prompt, tokens, temperature, topK, topP, minP, penalty, stop, seed, engine, json,
        };
        command.SetAction((parse, cancellationToken) => Failure.GuardAsync(() =>
        {
            var options = new GenerationOptions
            {
                MaxNewTokens = parse.GetValue(tokens),
                Temperature = parse.GetValue(temperature),
                TopK = parse.GetValue(topK),
                TopP = parse.GetValue(topP),
                MinP = parse.GetValue(minP),
                RepetitionPenalty = parse.GetValue(penalty),
                StopSequences = parse.GetValue(stop),
                Seed = parse.GetValue(seed),
                Engine = CommonOptions.ParseEngine(parse.GetValue(engine)),
            };
            using LanguageModel opened = LanguageModelSource.Open(parse.GetRequiredValue(model));
            var generator = new TextGenerator(opened, options);

            // A reader at a terminal sees the text grow; anything else gets it whole, or not at all.
            bool asJson = parse.GetValue(json);
            Action<string>? onText = Console.IsOutputRedirected || asJson ? null : Console.Out.Write;
            GenerationResult result = generator.Generate(parse.GetValue(prompt)!, onText, cancellationToken);
            if (asJson) JsonOutput.Write(ToJson(result));
            else Console.Out.WriteLine(onText is null ? result.Text : "");
            if (result.StopReason == StopReason.ContextFull)
            {
                Console.Error.WriteLine($"Stopped at the model's context of {opened.Spec.ContextLength} tokens after "
                    + $"{result.NewTokens.Count} new tokens.");
            }
        }));
        return command;
    }

    private static JsonObject ToJson(GenerationResult result) => new()
    {
        ["text"] = result.Text,
        ["newTokens"] = result.NewTokens.Count,
        ["stopReason"] = JsonNamingPolicy.CamelCase.ConvertName(result.StopReason.ToString()),
    };
}
