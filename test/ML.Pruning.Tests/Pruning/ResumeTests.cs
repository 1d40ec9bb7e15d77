using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

/// <summary>A run that was stopped goes on where it was and gives the bits of an unbroken one.</summary>
[TestClass]
public class ResumeTests
{
    private static readonly ModelSpec s_spec = RandomModel.Llama with
    {
        Layers = [.. Enumerable.Repeat(RandomModel.Llama.Layers[0], 4)],
    };

    private static readonly TokenWindows s_windows = TokenWindows.FromTokens(RandomModel.Tokens(s_spec, 8 * 16), 16);

    public static IEnumerable<object[]> Methods()
    {
        PruningMethod[] methods =
        [
            new Magnitude(),
            new Magnitude { Group = ComparisonGroup.Model },
            new RandomPruning(3) { Pattern = new NofMPattern(2, 4) },
            new Wanda(),
            new Wanda { Group = ComparisonGroup.Layer },
            new Wanda { Group = ComparisonGroup.Model },
            new Wanda { Allocation = new OwlAllocation() },
            new Wanda { Quantization = WeightGrid.Parse("int8") },
            new Wanda { Calibration = new CalibrationOptions { Precision = ComputePrecision.BFloat16 } },
            new SparseGpt(),
            new SparseGpt { Pattern = new NofMPattern(2, 4), Quantization = WeightGrid.Parse("int4") },
            new Wanda { Update = new BiasCompensation() },
            new WeightPruning(new ObsCriterion()) { Update = new LeastSquaresUpdate() },
            new TaylorPruning(TaylorOrder.Second),
            new Snip(),
            new MovementScores { Update = new SparseGptUpdate() },
            new RoundToNearest(WeightGrid.Parse("int8")),
        ];
        return methods.Select(m => new object[] { m.ToJson().ToJsonString(), m });
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Prune_StoppedAfterEachLayer_GivesTheBitsOfAnUnbrokenRun(string description, PruningMethod method)
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        using LanguageModel unbroken =
            Pruner.PruneWithWindows(model, method, s_windows, PrunedModels.In(folder)).Model;

        string state = Path.Combine(folder.Path, "state");
        for (int layer = 0; layer < s_spec.Layers.Count - 1; layer++)
        {
            Assert.ThrowsExactly<OperationCanceledException>(
                () => StopAfterOneLayer(model, method, folder, state), description);
            Assert.HasCount(layer + 1, Directory.GetFiles(state, "step-*"), description);
        }

        PruningResult result = Pruner.PruneWithWindows(model, method, s_windows,
            new PruningContext { TempFolder = folder.Path, ResumeFolder = state });
        using LanguageModel resumed = result.Model;
        result.DiscardResumeState();
        Assert.IsFalse(Directory.Exists(state));
        foreach (ParameterSpec p in resumed.Spec.Parameters())
        {
            CollectionAssert.AreEqual(PrunedModels.Bytes(unbroken, p.Name), PrunedModels.Bytes(resumed, p.Name),
                $"{p.Name} of {description}");
        }

        Assert.AreEqual(unbroken.ContentHash, resumed.ContentHash);
        Assert.AreEqual(
            unbroken.Provenance.Single().Options.ToJsonString(), resumed.Provenance.Single().Options.ToJsonString());
        Assert.HasCount(result.Plan.Tensors.Count, result.Report.Tensors);
    }

    [TestMethod]
    public void Prune_FinishedRunAgain_TakesItOverWithoutCalibration()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        var context =
            new PruningContext { TempFolder = folder.Path, ResumeFolder = Path.Combine(folder.Path, "state") };
        using LanguageModel first = Pruner.PruneWithWindows(model, new Wanda(), s_windows, context).Model;
        var steps = new List<string>();
        using LanguageModel second = Pruner.PruneWithWindows(model, new Wanda(), s_windows, new PruningContext
        {
            TempFolder = folder.Path,
            ResumeFolder = context.ResumeFolder,
            Progress = new Reporter(p => steps.Add(p.Step)),
        }).Model;
        Assert.HasCount(0, steps);
        Assert.AreEqual(first.ContentHash, second.ContentHash);
    }

    [TestMethod]
    public void Prune_StateOfAnotherRun_IsRefusedWithTheDifference()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec), other = RandomModel.Create(s_spec, seed: 2);
        string state = Path.Combine(folder.Path, "state");
        Assert.ThrowsExactly<OperationCanceledException>(() => StopAfterOneLayer(model, new Wanda(), folder, state));

        TokenWindows fewer = s_windows.Take(7);
        Refused(() => Resume(model, new Wanda { Sparsity = 0.6 }, s_windows), "options.sparsity is 0.5 there and 0.6");
        Refused(() => Resume(other, new Wanda(), s_windows), "model is");
        Refused(() => Resume(model, new Wanda(), fewer), "calibration.windows is 8 there and 7");
        Refused(() => Resume(model, new Wanda
        {
            Calibration = new CalibrationOptions { Precision = ComputePrecision.BFloat16 },
        }, s_windows), "precision");

        // Nothing was lost.
        Resume(model, new Wanda(), s_windows);

        void Resume(LanguageModel from, PruningMethod method, TokenWindows windows) => Pruner.PruneWithWindows(
            from, method, windows, new PruningContext { TempFolder = folder.Path, ResumeFolder = state })
            .Model.Dispose();
    }

    [TestMethod]
    public void Prune_BrokenOrForeignStateFolder_IsRefused()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        string state = Path.Combine(folder.Path, "state"), json = Path.Combine(state, "state.json");
        Directory.CreateDirectory(state);
        File.WriteAllText(Path.Combine(state, "letter.txt"), "precious");
        Refused(() => StopAfterOneLayer(model, new Wanda(), folder, state), "state.json");
        Refused(() => Pruner.DiscardResumeState(state), "state.json");
        Assert.IsTrue(File.Exists(Path.Combine(state, "letter.txt")));

        Directory.Delete(state, recursive: true);
        Assert.ThrowsExactly<OperationCanceledException>(() => StopAfterOneLayer(model, new Wanda(), folder, state));
        string good = File.ReadAllText(json);
        foreach (string bad in (string[])["", "[]", "{}", good[..(good.Length / 2)],
            good.Replace("step-0000", "../step-0000"), good.Replace("\"Reports\"", "\"Other\"")])
        {
            File.WriteAllText(json, bad);
            Assert.ThrowsExactly<CheckpointFormatException>(
                () => StopAfterOneLayer(model, new Wanda(), folder, state), bad);
        }

        Pruner.DiscardResumeState(state);
        Assert.IsFalse(Directory.Exists(state));
    }

    [TestMethod]
    public void Prune_FailingForGood_LeavesNoState()
    {
        // The inputs of the second layer are not finite.
        using var folder = new TestFolder();
        using LanguageModel random = RandomModel.Create(s_spec);
        string name = TensorNames.Weight(0, TensorNames.Down);
        float[] huge = [.. random.Weights[name].ToArray().Select(w => w * 1e38f)];
        using LanguageModel model = PrunedModels.With(random, new Dictionary<string, float[]> { [name] = huge });
        string state = Path.Combine(folder.Path, "state");
        Assert.ThrowsExactly<PruningException>(() => Pruner.PruneWithWindows(model, new Wanda(), s_windows,
            new PruningContext { TempFolder = folder.Path, ResumeFolder = state }));
        Assert.IsFalse(Directory.Exists(state));
    }

    private static void Refused(Action run, string mentioned) =>
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(run).Message, mentioned);

    private static void StopAfterOneLayer(LanguageModel model, PruningMethod method, TestFolder folder, string state)
    {
        using var cancel = new CancellationTokenSource();
        int before = Directory.Exists(state) ? Directory.GetFiles(state, "step-*").Length : 0;
        Pruner.PruneWithWindows(model, method, s_windows, new PruningContext
        {
            TempFolder = folder.Path,
            ResumeFolder = state,
            CancellationToken = cancel.Token,
            Progress = new Reporter(_ =>
            {
                if (Directory.Exists(state) && Directory.GetFiles(state, "step-*").Length > before) cancel.Cancel();
            }),
        }).Model.Dispose();
    }

    // Reports at once, unlike Progress<T>.
    private sealed class Reporter(Action<PruningProgress> report) : IProgress<PruningProgress>
    {
        public void Report(PruningProgress value) => report(value);
    }
}
