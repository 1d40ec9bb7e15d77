using System.CommandLine;
using System.CommandLine.Help;
using ML.Pruning.Tool.Commands;
using ML.Pruning.Tool.Help;

namespace ML.Pruning.Tool;

/// <summary>The <c>mlprune</c> command line. Exit codes: 0 done, 1 failed, 2 bad input.</summary>
public static class CommandLine
{
    /// <summary>Runs the tool.</summary>
    /// <param name="args">The arguments.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        RootCommand root = CreateRoot();
        ParseResult result = root.Parse(args);
        if (result.Errors.Count > 0)
        {
            // A word that means nothing tells more than what is missing because of it.
            string message = result.UnmatchedTokens.Count > 0
                ? $"'{result.UnmatchedTokens[0]}' is no command, argument or option here."
                : result.Errors[0].Message;
            Command command = result.CommandResult.Command;
            Failure.Report($"{message} See 'mlprune {(command is RootCommand ? "" : command.Name + " ")}--help'.");
            return Failure.BadInput;
        }

        return await result.InvokeAsync(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,

            // After Ctrl-C a command gets this long to stop cleanly.
            ProcessTerminationTimeout = TimeSpan.FromSeconds(30),
        });
    }

    /// <summary>The command with all that it can do.</summary>
    internal static RootCommand CreateRoot()
    {
        var root = new RootCommand("Makes large language models small and fast: prune, evaluate, generate, export.")
        {
            InspectCommand.Create(),
            PlanCommand.Create(),
            PruneCommand.Create(),
            RecoverCommand.Create(),
            ReportCommand.Create(),
            EvalCommand.Create(),
            GenerateCommand.Create(),
            ExportCommand.Create(),
            BenchCommand.Create(),
            CompletionCommand.Create(),
        };
        foreach (Command command in root.Subcommands) HelpValues.Complete(command);
        root.Options.OfType<HelpOption>().Single().Action = new HelpPageAction();
        return root;
    }
}
