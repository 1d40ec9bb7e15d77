using System.Diagnostics;
using System.Text.Json.Nodes;

namespace ML.Pruning.Tests.TestKit;

/// <summary>Loads a saved model with plain ML.NET in a process that knows nothing of this library.</summary>
internal static class FreshProcess
{
    private const string Program = "ML.Pruning.FreshProcess.dll";

    /// <summary>The visible scalar columns of each row, as text.</summary>
    /// <param name="zip">The saved model.</param>
    /// <param name="texts">The texts to run it on.</param>
    /// <param name="modules">A file for the names of the libraries that the process has loaded by then, or
    /// null.</param>
    public static IReadOnlyList<IReadOnlyDictionary<string, string>> Transform(
        string zip, IEnumerable<string> texts, string? modules = null)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList = { "exec", Path.Combine(AppContext.BaseDirectory, Program), zip },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (modules is not null) start.ArgumentList.Add(modules);
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(new JsonArray([.. texts.Select(t => (JsonNode)t)]).ToJsonString());
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, errors.Result);
        return [.. JsonNode.Parse(output)!.AsArray().Select(row => (IReadOnlyDictionary<string, string>)row!.AsObject()
            .ToDictionary(cell => cell.Key, cell => cell.Value!.GetValue<string>()))];
    }
}
