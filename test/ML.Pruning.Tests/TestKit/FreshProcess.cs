using System.Diagnostics;
using System.Text.Json.Nodes;

namespace ML.Pruning.Tests.TestKit;

/// <summary>Loads a saved model with plain ML.NET in a process that knows nothing of this library.</summary>
internal static class FreshProcess
{
    private const string Program = "ML.Pruning.FreshProcess.dll";

    /// <summary>The visible scalar columns of each row, as text.</summary>
    public static IReadOnlyList<IReadOnlyDictionary<string, string>> Transform(string zip, IEnumerable<string> texts)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList = { "exec", Path.Combine(AppContext.BaseDirectory, Program), zip },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
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
