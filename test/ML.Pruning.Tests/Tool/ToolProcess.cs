using System.Diagnostics;
using System.Text.Json.Nodes;

namespace ML.Pruning.Tests.Tool;

/// <summary>Runs <c>mlprune</c> as a user would: as a process.</summary>
internal sealed record ToolProcess(int ExitCode, string Output, string Errors)
{
    public static ToolProcess Run(params string[] args) => Run(args, _ => { });

    /// <summary>Runs the tool and lets the test act on the process while it works.</summary>
    public static ToolProcess Run(string[] args, Action<Process> whileRunning)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList = { "exec", Path.Combine(AppContext.BaseDirectory, "mlprune.dll") },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string arg in args) start.ArgumentList.Add(arg);
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        whileRunning(process);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new ToolProcess(process.ExitCode, output, errors.Result);
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
}
