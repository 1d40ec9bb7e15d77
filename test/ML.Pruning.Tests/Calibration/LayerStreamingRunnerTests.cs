using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Tests.Pruning;
using ML.Pruning.Tests.TestKit;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Calibration;

[TestClass]
public class LayerStreamingRunnerTests
{
    private const int Length = 32;

    [TestMethod]
    public void Run_NothingChanged_ShowsTheInputsOfTheDenseModel()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        int[][] windows = Windows(3);
        var visitor = new Recorder(model, changes: false);
        Run(model, windows, visitor);
        AssertSums(model, windows, visitor);
        Assert.IsTrue(visitor.Tokens.Values.All(n => n == 3 * Length));
    }

    [TestMethod]
    public void Run_LayerReplaced_ShowsItsOutputsToTheNext()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama, seed: 1);
        using LanguageModel other = RandomModel.Create(RandomModel.Llama, seed: 2);
        int[][] windows = Windows(2);
        var visitor = new Recorder(other, changes: true);
        Run(model, windows, visitor);

        // Layer 1 is still the model's own when observed, behind the other model's layer 0.
        using LanguageModel mixed = PrunedModels.With(model, RandomModel.Llama.LayerParameters(0)
            .ToDictionary(p => p.Name, p => other.Weights[p.Name].ToArray()));
        AssertSums(mixed, windows, visitor, layers: [1]);
        AssertSums(model, windows, visitor, layers: [0]);
    }

    [TestMethod]
    public void Run_MoreWindowsThanABatch_SeesThemAll()
    {
        int windows = 2 * LayerStreamingRunner.WindowsPerBatch(RandomModel.Llama, 4) + 5;
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        var visitor = new Recorder(model, changes: true);
        int[] tokens = RandomModel.Tokens(RandomModel.Llama, windows * 4);
        var fractions = new List<double>();
        new LayerStreamingRunner(model.Spec, model.Weights, TokenWindows.FromTokens(tokens, 4), default,
            fractions.Add, default)
            .Run(visitor);
        Assert.IsTrue(visitor.Tokens.Values.All(n => n == windows * 4L));
        CollectionAssert.AreEqual(fractions.Order().ToArray(), fractions);
        Assert.AreEqual(1, fractions[^1]);
        AssertSums(model, [.. tokens.Chunk(4)], visitor);
    }

    [TestMethod]
    public void Run_SharedInputs_AreObservedOnce()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        IReadOnlyList<LinearInput> inputs = LinearInput.Of(model.Spec, 1);
        CollectionAssert.AreEqual(new[] { 3, 1, 2, 1 }, inputs.Select(i => i.Parts.Count).ToArray());
        CollectionAssert.AreEqual(new[] { 16, 16, 16, 24 }, inputs.Select(i => i.Features).ToArray());
        IReadOnlyList<LinearInput> plain = LinearInput.Of(model.Spec with { GatedMlp = false }, 0);
        CollectionAssert.AreEqual(new[] { TensorNames.Up }, plain[2].Parts.ToArray());
    }

    [TestMethod]
    public void Run_Cancelled_StopsAndLeavesNoTensor()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        using var source = new CancellationTokenSource();
        var visitor = new Recorder(model, changes: true) { AfterObserve = source.Cancel };
        long before = LiveTensors.Count;
        Assert.ThrowsExactly<OperationCanceledException>(() => new LayerStreamingRunner(
            model.Spec, model.Weights, TokenWindows.FromTokens(RandomModel.Tokens(model.Spec, 64), 16), default, null,
            source.Token).Run(visitor));
        Assert.AreEqual(before, LiveTensors.Count);
        Assert.IsEmpty(visitor.Tokens.Where(t => t.Value > 0).ToArray());
    }

    [TestMethod]
    public void Run_Finished_LeavesNoTensor()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        long before = LiveTensors.Count;
        Run(model, Windows(2), new Recorder(model, changes: true));
        Assert.AreEqual(before, LiveTensors.Count);
    }

    private static int[][] Windows(int count) =>
        [.. RandomModel.Tokens(RandomModel.Llama, count * Length, seed: 6).Chunk(Length)];

    private static void Run(LanguageModel model, int[][] windows, Recorder visitor) => new LayerStreamingRunner(
        model.Spec, model.Weights, TokenWindows.FromTokens([.. windows.SelectMany(w => w)], Length), default, null, default)
        .Run(visitor);

    private static void AssertSums(LanguageModel model, int[][] windows, Recorder seen, int[]? layers = null)
    {
        foreach (int layer in layers ?? [0, 1])
        {
            foreach ((string part, double[] expected) in Float64Wanda.SumSquares(model, layer, windows))
            {
                double[] actual = seen.Sums[(layer, part)];
                for (int i = 0; i < expected.Length; i++)
                    Assert.AreEqual(expected[i], actual[i], 1e-4 * expected[i] + 1e-9, $"{layer} {part} {i}");
            }
        }
    }

    /// <summary>Sums the squares of all inputs; replaces layers by those of a model, if it changes any.</summary>
    private sealed class Recorder(LanguageModel replacement, bool changes) : ILayerVisitor
    {
        public Dictionary<(int Layer, string Part), double[]> Sums { get; } = [];

        public Dictionary<(int Layer, string Part), long> Tokens { get; } = [];

        public Action? AfterObserve { get; init; }

        public IReadOnlyDictionary<LinearInput, Action<Tensor>> Observe(int layer, IReadOnlyList<LinearInput> inputs)
        {
            var result = new Dictionary<LinearInput, Action<Tensor>>();
            foreach (LinearInput input in inputs)
            {
                var sums = new double[input.Features];
                foreach (string part in input.Parts)
                {
                    Sums.Add((layer, part), sums);
                    Tokens.Add((layer, part), 0);
                }

                result.Add(input, batch =>
                {
                    float[] values = batch.data<float>().ToArray();
                    for (int i = 0; i < values.Length; i++) sums[i % sums.Length] += (double)values[i] * values[i];
                    foreach (string part in input.Parts) Tokens[(layer, part)] += values.Length / sums.Length;
                });
            }

            AfterObserve?.Invoke();
            return result;
        }

        public bool Changes(int layer) => changes;

        public IReadOnlyDictionary<string, StoredTensor> Replace(int layer) => replacement.Weights;
    }
}
