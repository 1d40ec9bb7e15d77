using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

/// <summary>SparseGPT and mixed methods on whole models.</summary>
[TestClass]
public class SparseGptTests
{
    private const int WindowLength = 16;

    private static readonly ModelSpec s_spec = RandomModel.Llama with
    {
        Layers = [RandomModel.Layer(4, 2, 4, 24), RandomModel.Layer(2, 1, 8, 136)],
    };

    [TestMethod]
    [DataRow("unstructured", 0.5)]
    [DataRow("unstructured", 0.3)]
    [DataRow("2:4", 0.5)]
    public void Prune_RandomModel_AgreesWithFloat64(string pattern, double sparsity)
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, seed: 2);
        int[][] windows = Windows(12);
        SparsityPattern parsed = SparsityPattern.Parse(pattern);
        PruningResult result = Pruner.PruneWithWindows(model,
            new SparseGpt { Pattern = parsed, Sparsity = sparsity }, Join(windows), PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;

        var expected = new Dictionary<string, float[]>();
        LanguageModel current = model;
        for (int layer = 0; layer < s_spec.Layers.Count; layer++)
        {
            Dictionary<string, double[]> hessians = Hessians(current, layer, windows);
            foreach (LinearSpec linear in s_spec.Linears(layer))
            {
                double[] damped = Calibration.HessianTests.Damped(hessians[linear.Part], linear.InFeatures, 0.01);
                (double[] weight, bool[] keep) = Float64SparseGpt.Prune(
                    model.Weights[linear.WeightName].ToArray(), damped, parsed, sparsity);
                float[] actual = pruned.Weights[linear.WeightName].ToArray();
                for (int i = 0; i < keep.Length; i++)
                {
                    Assert.AreEqual(keep[i], actual[i] != 0, $"{linear.WeightName} {i}");
                    Assert.AreEqual(weight[i], actual[i], 2e-4, $"{linear.WeightName} {i}");
                }

                expected.Add(linear.WeightName, Array.ConvertAll(weight, w => (float)w));
            }

            current = PrunedModels.With(model, expected);
        }

        Assert.AreEqual(result.Plan.Zeros, result.Report.Tensors.Sum(t => t.ZerosAfter));
        Assert.IsTrue(result.Plan.Tensors.All(t => t.IsExact));
        Assert.AreEqual("sparsegpt", (string)pruned.Provenance[0].Options["update"]!["name"]!);
        Assert.AreEqual(0.01, (double)pruned.Provenance[0].Options["damping"]!);
    }

    [TestMethod]
    public void Prune_WithoutUpdate_TakesTheMaskAndMovesNothing()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, seed: 3);
        string[] first = ["layers.0.*"];
        using LanguageModel full = Prune(model, new SparseGpt { IncludeTensors = first }, folder);
        using LanguageModel mask = Prune(model, new SparseGpt { IncludeTensors = first, Update = null }, folder);
        foreach (ParameterSpec p in PrunedModels.Linears(s_spec).Where(p => p.Layer == 0))
        {
            bool[] keep = [.. full.Weights[p.Name].ToArray().Select(w => w != 0)];
            PrunedModels.AssertMasked(model, mask, p.Name, keep);
            CollectionAssert.AreNotEqual(PrunedModels.Bytes(full, p.Name), PrunedModels.Bytes(mask, p.Name));
        }
    }

    [TestMethod]
    [DataRow("sparsegpt")]
    [DataRow("least-squares")]
    public void Prune_WandaWithUpdate_KeepsTheMaskAndMovesTheRest(string update)
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, seed: 4);
        string[] first = ["layers.0.*"];
        using LanguageModel plain = Prune(model, new Wanda { IncludeTensors = first }, folder);
        using LanguageModel moved = Prune(model, new Wanda
        {
            IncludeTensors = first,
            Update = update == "sparsegpt" ? new SparseGptUpdate() : new LeastSquaresUpdate(),
        }, folder);
        Dictionary<string, double[]> hessians = Hessians(model, 0, Windows(12));
        foreach (LinearSpec linear in s_spec.Linears(0))
        {
            string name = linear.WeightName;
            float[] weight = model.Weights[name].ToArray();
            float[] before = plain.Weights[name].ToArray(), after = moved.Weights[name].ToArray();
            for (int i = 0; i < before.Length; i++) Assert.AreEqual(before[i] != 0, after[i] != 0, name);
            double Error(float[] w) =>
                Float64SparseGpt.Error(weight, Array.ConvertAll(w, v => (double)v), hessians[linear.Part]);
            Assert.IsLessThan(Error(before), Error(after), name);
        }
    }

    [TestMethod]
    public void Prune_ModelWideGroupWithUpdate_AppliesTheJointMask()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, seed: 5);
        var group = ComparisonGroup.Model;
        using LanguageModel plain = Prune(model, new WeightPruning(new ObsCriterion()) { Group = group }, folder);
        using LanguageModel moved = Prune(
            model, new WeightPruning(new ObsCriterion()) { Group = group, Update = new SparseGptUpdate() }, folder);
        foreach (ParameterSpec p in PrunedModels.Linears(s_spec))
        {
            float[] before = plain.Weights[p.Name].ToArray(), after = moved.Weights[p.Name].ToArray();
            for (int i = 0; i < before.Length; i++) Assert.AreEqual(before[i] != 0, after[i] != 0, p.Name);
        }

        Assert.AreNotEqual(plain.ContentHash, moved.ContentHash);
    }

    [TestMethod]
    [DataRow(TensorType.F16)]
    [DataRow(TensorType.BF16)]
    public void Prune_NarrowType_RoundsToIt(TensorType type)
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, seed: 6, type: type);
        using LanguageModel pruned = Prune(model, new SparseGpt(), folder);
        foreach (ParameterSpec p in PrunedModels.Linears(s_spec))
        {
            Assert.AreEqual(type, pruned.Weights[p.Name].Type);
            Assert.AreEqual(p.Count / 2.0, pruned.Weights[p.Name].ToArray().Count(w => w == 0), 1);
        }
    }

    [TestMethod]
    public void Prune_Twice_GivesTheSameBitsAndLeavesNoTensor()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, seed: 7);
        long before = LiveTensors.Count;
        using LanguageModel first = Prune(model, new SparseGpt(), folder);
        Assert.AreEqual(before, LiveTensors.Count);
        using LanguageModel second = Prune(model, new SparseGpt(), folder);
        Assert.AreEqual(first.ContentHash, second.ContentHash);
    }

    [TestMethod]
    public void Prune_FewTokensWithoutDamping_NotesWhatWasUsed()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, seed: 8);
        PruningResult result = Pruner.PruneWithWindows(
            model, new SparseGpt(damping: 0), Join(Windows(1)), PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        StringAssert.Contains(string.Join('\n', result.Report.Notes), "layers.1.mlp.down_proj.weight");
    }

    [TestMethod]
    public void Plan_Hessians_CountTowardsTheMemory()
    {
        ModelSpec spec = RandomModel.Llama with
        {
            HiddenSize = 2048,
            Layers = [.. Enumerable.Repeat(RandomModel.Layer(32, 4, 64, 5632), 22)],
        };
        long wanda = new Wanda().Plan(spec).PeakMemoryBytes, sparseGpt = new SparseGpt().Plan(spec).PeakMemoryBytes;
        long hessians = 8L * (3 * 2048 * 2048 + 5632 * 5632);
        Assert.IsGreaterThan(hessians, sparseGpt - wanda);
        Assert.IsLessThan(hessians + (3L << 29), sparseGpt - wanda);
    }

    [TestMethod]
    public void Plan_BlockSizeThatDoesNotFit_IsRefused()
    {
        foreach (SparseGpt method in (SparseGpt[])
            [
                new(blockSize: 6) { Pattern = new NofMPattern(2, 4) },
                new(blockSize: 6) { Pattern = new BlockPattern(1, 4) },
            ])
        {
            var e = Assert.ThrowsExactly<ArgumentException>(() => method.Plan(s_spec));
            StringAssert.Contains(e.Message, "block size is 6");
        }

        PlannedTensor tensor = new SparseGpt(blockSize: 6).Plan(s_spec).Tensors[0];
        Assert.AreEqual((2 * (6 * tensor.Rows / 2)) + 4 * tensor.Rows / 2, tensor.Zeros);
    }

    private static LanguageModel Prune(LanguageModel model, PruningMethod method, TestFolder folder) =>
        Pruner.PruneWithWindows(model, method, Join(Windows(12)), PrunedModels.In(folder)).Model;

    private static Dictionary<string, double[]> Hessians(LanguageModel model, int layer, int[][] windows)
    {
        var sums = new Dictionary<string, double[]>();
        long tokens = windows.Sum(w => w.Length);
        var decoder = new Float64Decoder(model)
        {
            InputObserver = (l, part, x) =>
            {
                if (l != layer) return;
                if (!sums.TryGetValue(part, out double[]? sum)) sums.Add(part, sum = new double[x.Length * x.Length]);
                for (int i = 0; i < sum.Length; i++) sum[i] += 2.0 / tokens * x[i / x.Length] * x[i % x.Length];
            },
        };
        foreach (int[] window in windows) decoder.Logits(window);
        return sums;
    }

    private static int[][] Windows(int count) =>
        [.. RandomModel.Tokens(s_spec, count * WindowLength, seed: 8).Chunk(WindowLength)];

    private static TokenWindows Join(int[][] windows) =>
        TokenWindows.FromTokens([.. windows.SelectMany(w => w)], WindowLength);
}
