using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;
using TorchSharp;

namespace ML.Pruning.Tests.Pruning;

/// <summary>Memory limits, activations on disk, threads: they change what a run takes, not what it gives.</summary>
[TestClass]
public class ResourceTests
{
    private static readonly ModelSpec s_spec = RandomModel.Llama with
    {
        Layers = [.. Enumerable.Repeat(RandomModel.Layer(4, 2, 4, 136), 3)],
    };

    // More windows than run at once.
    private static readonly TokenWindows s_windows = TokenWindows.FromTokens(RandomModel.Tokens(s_spec, 70 * 64), 64);

    [TestMethod]
    [DataRow(ComputePrecision.Float32)]
    [DataRow(ComputePrecision.BFloat16)]
    public void Prune_ActivationsOnDisk_GivesTheSameBitsAndLeavesNoFile(ComputePrecision precision)
    {
        var memory = new CalibrationOptions { Precision = precision };
        var disk = new CalibrationOptions { Precision = precision, Storage = CalibrationStorage.Disk };
        Assert.AreEqual(Hash(new SparseGpt { Calibration = memory }), Hash(new SparseGpt { Calibration = disk }));
    }

    [TestMethod]
    public void Prune_ActivationsOnAFullDisk_FailsWithoutAResult()
    {
        using SmallDisk disk = SmallDisk.Mount(1024);
        using LanguageModel model = RandomModel.Create(s_spec);
        TokenWindows windows = TokenWindows.FromTokens(RandomModel.Tokens(s_spec, 1000 * 64), 64);
        Assert.ThrowsExactly<IOException>(() => Pruner.PruneWithWindows(model,
            new Wanda { Calibration = new CalibrationOptions { Storage = CalibrationStorage.Disk } }, windows,
            new PruningContext { TempFolder = disk.Folder }));
        Assert.HasCount(0, disk.Names);
    }

    [TestMethod]
    public void Plan_ActivationsOnDiskOrInBFloat16_NeedsThatMuchLess()
    {
        ModelSpec spec = s_spec with { HiddenSize = 64, ContextLength = 512 };
        long activations = 4L * 128 * 512 * 64;
        long memory = Peak(new CalibrationOptions());
        Assert.AreEqual(activations, memory - Peak(new CalibrationOptions { Storage = CalibrationStorage.Disk }));
        Assert.AreEqual(
            activations / 2, memory - Peak(new CalibrationOptions { Precision = ComputePrecision.BFloat16 }));

        long Peak(CalibrationOptions options) => new Wanda { Calibration = options }.Plan(spec).PeakMemoryBytes;
    }

    [TestMethod]
    public void Prune_AboveTheMemoryLimit_IsRefusedBeforeAnythingIsRead()
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        var method = new SparseGpt();
        IEnumerable<string> unreadable = Enumerable.Repeat("", 1)
            .Select<string, string>(_ => throw new AssertFailedException("The text was read."));
        long needed = method.Plan(model.Spec).PeakMemoryBytes;
        string message = Assert.ThrowsExactly<ArgumentException>(() => Pruner.Prune(
            model, method, unreadable, new PruningContext { MemoryLimitBytes = needed - 1 })).Message;
        string[] mentioned = ["MiB", "samples (128)", "sequence length", "on disk", "wanda"];
        foreach (string text in mentioned) StringAssert.Contains(message, text);

        // The windows that are given count, not those that the options speak of.
        long windows = new SparseGpt
        {
            Calibration = new CalibrationOptions { Samples = s_windows.Count, SequenceLength = s_windows.Length },
        }.Plan(model.Spec).PeakMemoryBytes;
        Assert.ThrowsExactly<ArgumentException>(() => Pruner.PruneWithWindows(
            model, method, s_windows, new PruningContext { MemoryLimitBytes = windows - 1 }));
        Pruner.PruneWithWindows(model, method, s_windows, new PruningContext { MemoryLimitBytes = windows })
            .Model.Dispose();
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(3)]
    public void Prune_SameThreads_GivesTheSameBits(int threads)
    {
        int before = torch.get_num_threads();
        var context = new PruningContext { Threads = threads };
        Assert.AreEqual(Hash(new SparseGpt(), context), Hash(new SparseGpt(), context));
        Assert.AreEqual(
            Hash(new TaylorPruning(TaylorOrder.Second), context), Hash(new TaylorPruning(TaylorOrder.Second), context));
        Assert.AreEqual(before, torch.get_num_threads());
    }

    [TestMethod]
    public void Prune_OtherNumberOfThreads_GivesTheSameMasks()
    {
        string one = Hash(new Magnitude { Sparsity = 0.3 }, new PruningContext { Threads = 1 });
        Assert.AreEqual(one, Hash(new Magnitude { Sparsity = 0.3 }, new PruningContext { Threads = 3 }));
        string wanda = Hash(new Wanda(), new PruningContext { Threads = 1 });
        Assert.AreEqual(wanda, Hash(new Wanda(), new PruningContext { Threads = 2 }));
        Assert.ThrowsExactly<ArgumentException>(() => Hash(new Magnitude(), new PruningContext { Threads = 0 }));
    }

    [TestMethod]
    public void Prune_SameSeed_GivesTheSameBitsAndAnotherSeedOthers()
    {
        string first = Hash(new RandomPruning(5));
        Assert.AreEqual(first, Hash(new RandomPruning(5)));
        Assert.AreNotEqual(first, Hash(new RandomPruning(6)));
    }

    // The content hash of the pruned model.
    private static string Hash(PruningMethod method, PruningContext? context = null)
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        context = (context ?? new PruningContext()) with { TempFolder = folder.Path };
        using LanguageModel pruned = Pruner.PruneWithWindows(model, method, s_windows, context).Model;
        Assert.HasCount(0, Directory.GetFileSystemEntries(folder.Path));
        return pruned.ContentHash;
    }
}
