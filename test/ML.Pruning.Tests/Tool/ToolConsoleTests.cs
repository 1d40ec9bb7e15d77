using ML.Pruning.Pruning;
using ML.Pruning.Tool.Output;
using Spectre.Console;

namespace ML.Pruning.Tests.Tool;

/// <summary>Tables and bars on a terminal, plain lines elsewhere.</summary>
[TestClass]
public sealed class ToolConsoleTests
{
    private static readonly ReportTable s_report = new()
    {
        Heading = ["Two tensors."],
        Columns = [new("tensor", IsNumber: false), new("zeros")],
        Rows = [["layers.0[x]", "7"], ["b", "12,345"]],
        Notes = ["Left as it is: 'c' [odd]."],
    };

    private readonly StringWriter _written = new();

    [TestMethod]
    public void Write_NoTerminal_AlignsColumns()
    {
        new ToolConsole(_written, terminal: null).Write(s_report);
        Assert.AreEqual("Two tensors.\ntensor        zeros\nlayers.0[x]       7\nb            12,345\n"
            + "Left as it is: 'c' [odd].\n", _written.ToString());
    }

    [TestMethod]
    public void Write_NoRows_LeavesTheNamesOut()
    {
        new ToolConsole(_written, terminal: null).Write(s_report with { Rows = [] });
        Assert.AreEqual("Two tensors.\nLeft as it is: 'c' [odd].\n", _written.ToString());
    }

    [TestMethod]
    public void Write_Terminal_DrawsBorders()
    {
        Terminal(80).Write(s_report);
        string[] lines = _written.ToString().Split('\n');
        Assert.AreEqual("Two tensors.", lines[0]);
        StringAssert.StartsWith(lines[1], "╭");
        StringAssert.Contains(_written.ToString(), "│ layers.0[x] │      7 │");
        StringAssert.Contains(_written.ToString(), "│ b           │ 12,345 │");
        Assert.AreEqual("Left as it is: 'c' [odd].", lines[^2]);
    }

    [TestMethod]
    [DataRow(80)]
    [DataRow(40)]
    public void Progress_Terminal_ShowsABarAndClearsIt(int width)
    {
        ToolConsole console = Terminal(width);
        var progress = new ConsoleProgress("Pruning", console, TimeSpan.Zero);
        progress.Report(0.25, "[layer 3]");
        console.WriteLine("A notice.");
        progress.Dispose();
        string shown = _written.ToString();
        StringAssert.Contains(shown, "━━");
        StringAssert.Contains(shown, "25%");
        StringAssert.Contains(shown, "Pruning");
        if (width == 80) StringAssert.Contains(shown, "Pruning [layer 3]");
        StringAssert.Contains(shown, "A notice.");
        StringAssert.EndsWith(shown, "\e[?25h"); // The cursor is back.

        progress.Report(1, "late");
        Assert.AreEqual(shown, _written.ToString());
    }

    [TestMethod]
    public void Progress_NoTerminal_PrintsPlainLinesNowAndThen()
    {
        using (var progress = new ConsoleProgress("Pruning", new ToolConsole(_written, null), TimeSpan.Zero))
        {
            progress.Report(0.25, "[layer 3]");
            progress.Report(0.5, "too soon");
        }

        Assert.AreEqual("Pruning 25 % [layer 3]\n", _written.ToString());
    }

    [TestMethod]
    public void Progress_SoonDone_ShowsNothing()
    {
        using (var progress = new ConsoleProgress("Pruning", Terminal(80), TimeSpan.FromHours(1))) progress.Report(0.9);
        Assert.AreEqual("", _written.ToString());
    }

    private ToolConsole Terminal(int width)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            Interactive = InteractionSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(_written),
        });
        console.Profile.Width = width;
        console.Profile.Capabilities.Unicode = true;
        return new ToolConsole(_written, console);
    }
}
