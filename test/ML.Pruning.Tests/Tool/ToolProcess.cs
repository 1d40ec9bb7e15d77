using System.Diagnostics;
using System.Text.Json.Nodes;

namespace ML.Pruning.Tests.Tool;

/// <summary>Runs <c>mlprune</c> as a user would: as a process.</summary>
internal sealed record ToolProcess(int ExitCode, string Output, string Errors)
{
    public static ToolProcess Run(params string[] args) => Run(args, _ => { });

    /// <summary>Runs the tool and interrupts it, as Ctrl-C does, when it has said its first line on stderr.</summary>
    public static ToolProcess RunAndInterrupt(params string[] args)
    {
        using Process process = Start(args);
        string first = process.StandardError.ReadLine() + "\n";
        using (Process interrupt = Process.Start("kill", ["-INT", $"{process.Id}"])) interrupt.WaitForExit();
        return Wait(process, Rest(process, first));
    }

    /// <summary>Runs the tool and lets the test act on the process while it works.</summary>
    public static ToolProcess Run(string[] args, Action<Process> whileRunning)
    {
        using Process process = Start(args);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        whileRunning(process);
        return Wait(process, errors);
    }

    /// <summary>The JSON object that stdout holds, alone.</summary>
    public JsonObject Json()
    {
        Assert.AreEqual(0, ExitCode, Errors);
        return JsonNode.Parse(Output)!.AsObject();
    }

    /// <summary>Checks that the tool refused its input: exit code 2, nothing on stdout, one line on stderr.</summary>
    public void ExpectRefusal(params string[] mentioned)
    {
        Assert.AreEqual(2, ExitCode, $"stdout: {Output} stderr: {Errors}");
        Assert.AreEqual("", Output);
        string line = Errors.TrimEnd('\n');
        Assert.IsFalse(line.Contains('\n'), $"More than one line: {Errors}");
        foreach (string text in mentioned) StringAssert.Contains(line, text);
    }

    private static async Task<string> Rest(Process process, string first) =>
        first + await process.StandardError.ReadToEndAsync();

    private static ToolProcess Wait(Process process, Task<string> errors)
    {
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new ToolProcess(process.ExitCode, output, errors.Result);
    }

    private static Process Start(string[] args)
    {
        // A shell starts what it leaves in the background with Ctrl-C ignored, and that is inherited.
        string[] reset = OperatingSystem.IsLinux() ? ["env", "--default-signal=INT"] : [];
        string[] line = [.. reset, "dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "mlprune.dll"), .. args];
        var start = new ProcessStartInfo(line[0])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string arg in line[1..]) start.ArgumentList.Add(arg);
        return Process.Start(start)!;
    }
}
