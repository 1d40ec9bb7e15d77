using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using ML.Pruning.Models;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Tool;

/// <summary>Memory limit, storage of activations and threads, from the command line.</summary>
[TestClass]
public sealed class ToolResourceTests
{
    private string _folder = null!;
    private string _text = null!;

    [TestInitialize]
    public void CreateText()
    {
        _folder = Directory.CreateTempSubdirectory("ml-pruning-tool-").FullName;
        _text = Path.Combine(_folder, "text.txt");
        File.WriteAllLines(_text, Enumerable.Repeat(TinyModel.Texts[0], 400));
    }

    [TestCleanup]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void PlanAndPrune_AboveTheMemoryLimit_AreRefusedWithWhatWouldHelp()
    {
        using var model = new TinyModel();
        string output = Path.Combine(_folder, "output");
        string[] method = ["--method", "sparsegpt", "--sequence-length", "64"];
        string[] help = ["limit of 100 MiB", "calibration samples (128)", "sequence length", "on disk", "wanda"];
        ToolProcess.Run(["plan", model.Folder, .. method, "--memory-limit", "100M"]).ExpectRefusal(help);
        ToolProcess.Run(["prune", model.Folder, .. method, "--memory-limit", "0.09765625GiB", "--calibration", _text,
            "--output", output]).ExpectRefusal(help);
        Assert.IsFalse(Directory.Exists(output));
        ToolProcess.Run(["plan", model.Folder, .. method, "--memory-limit", "lots"]).ExpectRefusal("lots", "8G");
        Assert.AreEqual(0, ToolProcess.Run(["plan", model.Folder, .. method, "--memory-limit", "8G"]).ExitCode);
    }

    [TestMethod]
    public void Prune_OnDiskWithOneThread_WritesTheSameWeights()
    {
        using var model = new TinyModel();
        byte[] memory = Prune("memory"), disk = Prune("disk", "--calibration-storage", "disk");
        CollectionAssert.AreEqual(memory, disk);

        byte[] Prune(string name, params string[] more)
        {
            string output = Path.Combine(_folder, name);
            ToolProcess result = ToolProcess.Run(["prune", model.Folder, "--output", output, "--method", "sparsegpt",
                "--calibration", _text, "--sequence-length", "32", "--threads", "1", .. more]);
            Assert.AreEqual(0, result.ExitCode, result.Errors);
            return File.ReadAllBytes(Path.Combine(output, "model.safetensors"));
        }
    }

    [TestMethod]
    public void Prune_WithSavedStatistics_NeedsNoText()
    {
        using var model = new TinyModel();
        string file = Path.Combine(_folder, "statistics.safetensors");
        byte[] saving = Prune("first", "--calibration", _text, "--sequence-length", "32", "--save-statistics", file);
        CollectionAssert.AreEqual(saving, Prune("second", "--statistics", file));
        Assert.IsFalse(saving.SequenceEqual(Prune("third", "--statistics", file, "--sparsity", "0.7")));
        string output = Path.Combine(_folder, "refused");
        ToolProcess.Run(["prune", model.Folder, "--output", output, "--method", "wanda", "--save-statistics", file])
            .ExpectRefusal("--calibration");
        ToolProcess.Run(["prune", model.Folder, "--output", output, "--method", "wanda", "--calibration", _text,
            "--save-statistics", file]).ExpectRefusal("--force");
        ToolProcess.Run(["prune", model.Folder, "--output", output, "--method", "taylor-first", "--statistics", file])
            .ExpectRefusal("Gradient");

        byte[] Prune(string name, params string[] more)
        {
            string output = Path.Combine(_folder, name);
            ToolProcess result = ToolProcess.Run(
                ["prune", model.Folder, "--output", output, "--method", "sparsegpt", .. more]);
            Assert.AreEqual(0, result.ExitCode, result.Errors);
            return File.ReadAllBytes(Path.Combine(output, "model.safetensors"));
        }
    }

    [TestMethod]
    [DataRow("magnitude")]
    [DataRow("wanda")]
    [DataRow("sparsegpt")]
    [DataRow("taylor-second")]
    public void Prune_InAFreshProcess_StaysBelowTheForeseenPeak(string method)
    {
        if (!OperatingSystem.IsLinux()) Assert.Inconclusive("The peak is read from /proc.");
        ModelSpec spec = TinyModel.Spec with
        {
            HiddenSize = 256,
            ContextLength = 128,
            Layers = [.. Enumerable.Repeat(RandomModel.Layer(4, 2, 64, 1024), 2)],
        };
        using var model = new TinyModel(spec);
        string[] options = ["--method", method, "--calibration-samples", "16", "--sequence-length", "128"];
        long foreseen = (long)ToolProcess.Run(["plan", model.Folder, .. options, "--json"]).Json()["peakMemoryBytes"]!;
        long peak = 0;
        ToolProcess result = ToolProcess.Run(["prune", model.Folder, .. options, "--calibration", _text, "--output",
            Path.Combine(_folder, "output")], process => peak = WatchPeak(process));
        Assert.AreEqual(0, result.ExitCode, result.Errors);
        Assert.IsTrue(peak <= foreseen, $"{peak >> 20} MiB were used, {foreseen >> 20} MiB foreseen.");
        Assert.IsTrue(foreseen <= 2 * peak, $"{foreseen >> 20} MiB were foreseen, but only {peak >> 20} MiB used.");
    }

    // The high-water mark of resident memory, until the process ends.
    private static long WatchPeak(Process process)
    {
        long peak = 0;
        while (!process.HasExited)
        {
            string status = $"/proc/{process.Id}/status";
            try
            {
                string? line =
                    File.ReadLines(status).FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
                if (line is not null)
                    peak = long.Parse(line[6..].Replace("kB", "").Trim(), CultureInfo.InvariantCulture) << 10;
            }
            catch (IOException)
            {
                // It has just ended.
                return peak;
            }

            Thread.Sleep(5);
        }

        return peak;
    }
}
