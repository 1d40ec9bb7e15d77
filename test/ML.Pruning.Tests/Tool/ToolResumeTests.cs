using System.Diagnostics;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Tool;

/// <summary>A tool that was killed or interrupted goes on with <c>--resume</c>.</summary>
[TestClass]
public sealed class ToolResumeTests
{
    private TinyModel _model = null!;
    private string _folder = null!;
    private string[] _options = null!;

    [TestInitialize]
    public void CreateModel()
    {
        _model = new TinyModel(TinyModel.Spec with { Layers = [.. Enumerable.Repeat(TinyModel.Spec.Layers[0], 6)] });
        _folder = Directory.CreateTempSubdirectory("ml-pruning-tool-").FullName;
        string text = Path.Combine(_folder, "long.txt");
        File.WriteAllLines(text, Enumerable.Repeat(TinyModel.Texts[0], 2_000));
        _options = ["--method", "wanda", "--calibration", text, "--calibration-samples", "1500",
            "--sequence-length", "48"];
    }

    [TestCleanup]
    public void DeleteModel()
    {
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [TestMethod]
    [DataRow("-KILL")]
    [DataRow("-INT")]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void Prune_StoppedAndResumed_WritesTheBytesOfAnUnbrokenRun(string signal)
    {
        string whole = Path.Combine(_folder, "whole"), output = Path.Combine(_folder, "output");
        string state = output + ".resume";
        Assert.AreEqual(0, Prune(whole).ExitCode);
        Assert.IsFalse(Directory.Exists(whole + ".resume"));

        ToolProcess stopped = ToolProcess.Run(
            ["prune", _model.Folder, "--output", output, .. _options], process =>
            {
                var clock = Stopwatch.StartNew();
                while (!File.Exists(Path.Combine(state, "step-0001.safetensors"))) // So the first one is recorded.
                {
                    if (process.HasExited || clock.Elapsed > TimeSpan.FromMinutes(2)) return;
                    Thread.Sleep(1);
                }

                using var kill = Process.Start("kill", [signal, $"{process.Id}"]);
                kill.WaitForExit();
            });
        Assert.AreNotEqual(0, stopped.ExitCode, "It was too quick to be stopped.");
        Assert.IsFalse(Directory.Exists(output));
        Assert.IsTrue(Directory.Exists(state), stopped.Errors);
        if (signal == "-INT") StringAssert.Contains(stopped.Errors, "--resume");

        // Another run is refused, and leaves the state alone.
        ToolProcess.Run(["prune", _model.Folder, "--output", output, .. _options, "--sparsity", "0.6", "--resume"])
            .ExpectRefusal("sparsity", "output.resume");
        ToolProcess resumed = Prune(output, "--resume");
        Assert.AreEqual(0, resumed.ExitCode, resumed.Errors);
        StringAssert.Contains(resumed.Errors, "were finished before");
        Assert.IsFalse(Directory.Exists(state));
        string[] files = [.. Directory.GetFiles(whole).Select(f => Path.GetFileName(f)).Order()];
        CollectionAssert.AreEqual(files, Directory.GetFiles(output).Select(f => Path.GetFileName(f)).Order().ToArray());
        foreach (string file in files)
        {
            CollectionAssert.AreEqual(File.ReadAllBytes(Path.Combine(whole, file)),
                File.ReadAllBytes(Path.Combine(output, file)), file);
        }
    }

    [TestMethod]
    public void Prune_ResumeWithoutAState_JustStarts()
    {
        string output = Path.Combine(_folder, "output");
        ToolProcess result = ToolProcess.Run(
            "prune", _model.Folder, "--output", output, "--method", "magnitude", "--resume");
        Assert.AreEqual(0, result.ExitCode, result.Errors);
        Assert.IsTrue(Directory.Exists(output));
        Assert.IsFalse(Directory.Exists(output + ".resume"));
    }

    private ToolProcess Prune(string output, params string[] more) =>
        ToolProcess.Run(["prune", _model.Folder, "--output", output, .. _options, .. more]);
}
