using System.Diagnostics;

namespace ML.Pruning.Tests.Packaging;

/// <summary>Runs a program, as a user would in a shell, and leaves nothing running.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">What it wrote on stdout and stderr.</param>
internal sealed record DotnetCommand(int ExitCode, string Output)
{
    /// <summary>Runs <c>dotnet</c>.</summary>
    public static DotnetCommand Run(string folder, params string[] arguments) => Start("dotnet", folder, arguments);

    /// <summary>Runs a program to its end.</summary>
    public static DotnetCommand Start(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["MSBUILDDISABLENODEREUSE"] = "1",
                ["UseSharedCompilation"] = "false",
                ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0",
                ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
                ["DOTNET_NOLOGO"] = "1",
                ["DOTNET_CLI_UI_LANGUAGE"] = "en",
            },
        };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new DotnetCommand(process.ExitCode, output + errors.Result);
    }

    /// <summary>Fails the test unless the command succeeded.</summary>
    public DotnetCommand Expect()
    {
        Assert.AreEqual(0, ExitCode, Output);
        return this;
    }
}
