using ML.Pruning.Pruning;
using Spectre.Console;

namespace ML.Pruning.Tool.Output;

/// <summary>One of the process's two outputs: tables with borders and bars that move where a terminal shows them, plain
/// lines elsewhere.</summary>
/// <param name="writer">What plain lines go to.</param>
/// <param name="terminal">The terminal behind it; null where there is none, or it moves no cursor.</param>
internal sealed class ToolConsole(TextWriter writer, IAnsiConsole? terminal)
{
    private static readonly Lazy<IAnsiConsole?> s_outTerminal = new(() => Open(Console.Out));
    private static readonly Lazy<IAnsiConsole?> s_errorTerminal = new(() => Open(Console.Error));

    /// <summary>Stdout: what was asked for.</summary>
    public static ToolConsole Out => new(Console.Out, s_outTerminal.Value);

    /// <summary>Stderr: plans, progress and notices.</summary>
    public static ToolConsole Error => new(Console.Error, s_errorTerminal.Value);

    /// <summary>The terminal; null where there is none.</summary>
    public IAnsiConsole? Terminal => terminal;

    /// <summary>Prints one line, above a bar that moves.</summary>
    public void WriteLine(string line)
    {
        if (terminal is null) writer.WriteLine(line);
        else terminal.WriteLine(line);
    }

    /// <summary>Prints a table and what stands above and below it.</summary>
    public void Write(ReportTable report)
    {
        if (terminal is null)
        {
            writer.Write(report);
            return;
        }

        foreach (string line in report.Heading) terminal.WriteLine(line);
        if (report.Rows.Count > 0) terminal.Write(TableOf(report));
        foreach (string line in report.Notes) terminal.WriteLine(line);
    }

    private static Table TableOf(ReportTable report)
    {
        Table table = new Table().RoundedBorder();
        foreach (ReportColumn column in report.Columns)
        {
            table.AddColumn(new TableColumn(new Text(column.Name, new Style(decoration: Decoration.Bold)))
            {
                Alignment = column.IsNumber ? Justify.Right : Justify.Left,
                NoWrap = column.IsNumber,
            });
        }

        foreach (IReadOnlyList<string> row in report.Rows) table.AddRow(row.Select(cell => new Text(cell)));
        return table;
    }

    private static IAnsiConsole? Open(TextWriter writer)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
        return console.Profile is { Out.IsTerminal: true, Capabilities: { Ansi: true, Interactive: true } }
            ? console
            : null;
    }
}
