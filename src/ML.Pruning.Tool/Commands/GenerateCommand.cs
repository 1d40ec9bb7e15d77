using System.CommandLine;
using ML.Pruning.Inference;
using ML.Pruning.Models;
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
        Option<int> seed = new("--seed") { Description = "Seed of the sampling.", DefaultValueFactory = _ => 0 };
        Option<string?> engine = CommonOptions.Engine();
        var command = new Command("generate", "Continue a prompt; prints prompt and continuation.")
        {
            model, prompt, tokens, temperature, seed, engine,
        };
        command.SetAction((parse, cancellationToken) => Task.FromResult(Failure.Guard(() =>
        {
            var options = new GenerationOptions
            {
                MaxNewTokens = parse.GetValue(tokens),
                Temperature = parse.GetValue(temperature),
                Seed = parse.GetValue(seed),
                Engine = CommonOptions.ParseEngine(parse.GetValue(engine)),
            };
            using LanguageModel opened = LanguageModelSource.Open(parse.GetRequiredValue(model));
            var generator = new TextGenerator(opened, options);
            GenerationResult result = generator.Generate(parse.GetValue(prompt)!, null, cancellationToken);
            Console.Out.WriteLine(result.Text);
            if (result.StopReason == StopReason.ContextFull)
            {
                Console.Error.WriteLine($"Stopped at the model's context of {opened.Spec.ContextLength} tokens after "
                    + $"{result.NewTokens.Count} new tokens.");
            }
        })));
        return command;
    }
}
