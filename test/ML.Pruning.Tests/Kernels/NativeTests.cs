using System.Diagnostics;
using System.Text.RegularExpressions;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace ML.Pruning.Tests.Kernels;

/// <summary>Runs the GoogleTest programs of test/Native that build/setup.sh has built.</summary>
[TestClass]
public sealed partial class NativeTests
{
    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow("build", null, "*", "as it is used")]
    [DataRow("sanitize", null, "-*LargeBatch*:*Threads*", "with address and undefined-behaviour sanitizers")]
    [DataRow("aarch64", "qemu-aarch64", "*neon*:Abi*", "for ARM, emulated")]
    public void NativeTests_OfEveryBuild_Pass(string build, string? emulator, string filter, string what)
    {
        string program = Path.Combine(RepositoryFiles.Root, "artifacts", "native", build, "test", "mlpruning_tests");
        if (!File.Exists(program))
            Assert.Inconclusive($"The native tests {what} are not built: GoogleTest or a compiler is missing.");
        string[] command = emulator is null ? [program] : [emulator, "-L", "/usr/aarch64-linux-gnu", program];
        var start = new ProcessStartInfo(command[0], [.. command[1..], "--gtest_brief=1", $"--gtest_filter={filter}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("MLPRUNING_ISA");
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.CancellationToken);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();

        string tail = output.Length > 4000 ? output[^4000..] : output;
        Assert.AreEqual(0, process.ExitCode, $"{tail}\n{errors.Result}");
        Match ran = RanTests().Match(output);
        Assert.IsTrue(ran.Success && ran.Groups["count"].Value != "0", $"No test ran: {tail}");
        TestContext.WriteLine($"{ran.Groups["count"].Value} native tests passed {what}.");
    }

    [GeneratedRegex(@"\[==========\] (?<count>\d+) tests? from .* ran")]
    private static partial Regex RanTests();
}
