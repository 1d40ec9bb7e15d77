using System.CommandLine;
using System.CommandLine.Invocation;

namespace ML.Pruning.Tool.Help;

/// <summary>Prints the help of the command that was asked about.</summary>
internal sealed class HelpPageAction : SynchronousCommandLineAction
{
    private const int WidthOfFiles = 110;
    private const int Narrowest = 60;

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        int width = Console.IsOutputRedirected ? WidthOfFiles
            : Math.Clamp(Console.WindowWidth, Narrowest, WidthOfFiles);
        Console.Out.Write(new HelpPage(parseResult.CommandResult.Command, width));
        return 0;
    }
}
