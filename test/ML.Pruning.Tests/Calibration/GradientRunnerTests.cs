using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Tests.Pruning;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Calibration;

[TestClass]
public class GradientRunnerTests
{
    private const int Length = 8;
    private const int Windows = 3;
    private const StatisticsNeeds Both = StatisticsNeeds.Gradient | StatisticsNeeds.SquaredGradient;

    private static readonly ModelSpec s_spec = RandomModel.Llama;
    private static readonly int[] s_tokens = RandomModel.Tokens(s_spec, Windows * Length, seed: 4);
    private static readonly string[] s_names = [.. PrunedModels.Linears(s_spec).Select(p => p.Name)];

    [TestMethod]
    public void Run_AnyWeight_EqualsFiniteDifferencesInFloat64()
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        string[] names = [.. s_names, TensorNames.Embedding, TensorNames.Head];
        IReadOnlyDictionary<string, GradientStatistics> statistics = Run(model, Both, names: names);
        foreach (string name in names)
        {
            float[] weight = model.Weights[name].ToArray();
            double largest = 0;
            foreach (double g in statistics[name].SumOfGradients) largest = Math.Max(largest, Math.Abs(g));
            foreach (int i in (int[])[0, weight.Length / 2 + 3, weight.Length - 1])
            {
                double[] expected =
                    [.. Enumerable.Range(0, Windows).Select(w => FiniteDifference(model, name, weight, i, w))];
                Assert.AreEqual(expected.Sum(), statistics[name].SumOfGradients[i], 2e-5 * largest, $"{name} [{i}]");
                Assert.AreEqual(expected.Sum(g => g * g), statistics[name].SumOfSquares[i], 2e-5 * largest * largest,
                    $"{name} [{i}]");
            }
        }
    }

    [TestMethod]
    public void Run_Squares_AreThoseOfSingleWindows()
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        IReadOnlyDictionary<string, GradientStatistics> all = Run(model, Both);
        foreach (string name in s_names)
        {
            double[][] single = [.. Enumerable.Range(0, Windows).Select(w =>
                Run(model, StatisticsNeeds.Gradient, Window(w))[name].SumOfGradients.ToArray())];
            Assert.AreEqual(Windows, all[name].WindowCount);
            for (int i = 0; i < all[name].Count; i++)
            {
                double sum = single.Sum(g => g[i]), squares = single.Sum(g => g[i] * g[i]);
                Assert.AreEqual(sum, all[name].SumOfGradients[i], 1e-6 * (Math.Abs(sum) + Math.Sqrt(squares)), name);
                Assert.AreEqual(squares, all[name].SumOfSquares[i], 1e-5 * squares, name);
            }
        }
    }

    [TestMethod]
    public void Run_WindowsTogether_EqualsWindowsApart()
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        Assert.IsGreaterThanOrEqualTo(Windows, DifferentiableModel.WindowsPerBatch(s_spec, Length));
        IReadOnlyDictionary<string, GradientStatistics> together = Run(model, StatisticsNeeds.Gradient);
        IReadOnlyDictionary<string, GradientStatistics> apart = Run(model, Both);
        foreach (string name in s_names)
        {
            Assert.AreEqual(Windows, together[name].WindowCount);
            double size = Math.Sqrt(apart[name].SumOfSquares.ToArray().Max());
            for (int i = 0; i < together[name].Count; i++)
                Assert.AreEqual(apart[name].SumOfGradients[i], together[name].SumOfGradients[i], 1e-5 * size, name);
        }
    }

    [TestMethod]
    public void Run_Movement_IsTheClosedFormAlongTheStepsOfSgd()
    {
        var options = new MovementOptions { Optimizer = MovementOptimizer.Sgd, LearningRate = 0.05, Steps = 4 };
        AssertMovement(options, (_, gradient, _) => 0.05 * gradient);
    }

    [TestMethod]
    public void Run_Movement_IsTheClosedFormAlongTheStepsOfAdamW()
    {
        // From equal moments: m / (1 - 0.9^t) and v / (1 - 0.999^t) over the gradients seen so far.
        var options = new MovementOptions { Optimizer = MovementOptimizer.AdamW, LearningRate = 0.01, Steps = 3 };
        var moments = new Dictionary<(string, int), (double M, double V)>();
        AssertMovement(options, (place, gradient, step) =>
        {
            (double m, double v) = moments.GetValueOrDefault(place);
            m = 0.9 * m + 0.1 * gradient;
            v = 0.999 * v + 0.001 * gradient * gradient;
            moments[place] = (m, v);
            return 0.01 * (m / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(v / (1 - Math.Pow(0.999, step))) + 1e-8);
        });
    }

    [TestMethod]
    public void Run_WithoutSteps_TakesEachWindowOnce()
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        foreach ((int batch, int steps) in new[] { (1, 3), (2, 2), (3, 1), (7, 1) })
        {
            var options = new MovementOptions { BatchSize = batch };
            Assert.AreEqual(steps, Run(model, StatisticsNeeds.Movement, movement: options)[s_names[0]].StepCount);
        }
    }

    [TestMethod]
    public void Run_GradientsAndMovement_TakesGradientsBeforeTraining()
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        var options = new MovementOptions { LearningRate = 0.01 };
        IReadOnlyDictionary<string, GradientStatistics> gradients = Run(model, Both);
        IReadOnlyDictionary<string, GradientStatistics> all =
            Run(model, Both | StatisticsNeeds.Movement, movement: options);
        IReadOnlyDictionary<string, GradientStatistics> moved = Run(model, StatisticsNeeds.Movement, movement: options);
        foreach (string name in s_names)
        {
            CollectionAssert.AreEqual(gradients[name].SumOfSquares.ToArray(), all[name].SumOfSquares.ToArray());
            CollectionAssert.AreEqual(moved[name].Movement.ToArray(), all[name].Movement.ToArray());
        }
    }

    [TestMethod]
    public void Run_Cancelled_StopsAtTheNextPassAndProgressRises()
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        using var source = new CancellationTokenSource();
        var seen = new List<double>();
        Assert.ThrowsExactly<OperationCanceledException>(() => GradientRunner.Run(model, Cut(s_tokens), s_names, Both,
            MovementOptions.Default, fraction =>
            {
                seen.Add(fraction);
                if (seen.Count == 2) source.Cancel();
            }, source.Token));
        CollectionAssert.AreEqual(new[] { 1 / 3.0, 2 / 3.0 }, seen);
    }

    private static void AssertMovement(MovementOptions options, Func<(string, int), double, int, double> update)
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        IReadOnlyDictionary<string, GradientStatistics> moved = Run(model, StatisticsNeeds.Movement, movement: options);
        Dictionary<string, float[]> weights = s_names.ToDictionary(n => n, n => model.Weights[n].ToArray());
        Dictionary<string, double[]> expected = s_names.ToDictionary(n => n, n => new double[weights[n].Length]);
        for (int step = 0; step < options.Steps; step++)
        {
            using LanguageModel current = PrunedModels.With(model, weights);
            IReadOnlyDictionary<string, GradientStatistics> gradients =
                Run(current, StatisticsNeeds.Gradient, Window(step % Windows));
            foreach (string name in s_names)
            {
                float[] w = [.. weights[name]];
                for (int i = 0; i < w.Length; i++)
                {
                    double g = gradients[name].SumOfGradients[i];
                    expected[name][i] -= options.LearningRate * g * w[i];
                    w[i] = (float)(w[i] - update((name, i), g, step + 1));
                }

                weights[name] = w;
            }
        }

        foreach (string name in s_names)
        {
            double largest = expected[name].Max(Math.Abs);
            for (int i = 0; i < expected[name].Length; i++)
                Assert.AreEqual(expected[name][i], moved[name].Movement[i], 1e-3 * largest, $"{name} [{i}]");
        }
    }

    private static double FiniteDifference(LanguageModel model, string name, float[] weight, int index, int window)
    {
        const float Step = 1f / 4096;
        float up = weight[index] + Step, down = weight[index] - Step;
        return (Loss(up) - Loss(down)) / ((double)up - down);

        double Loss(float value)
        {
            float[] changed = [.. weight];
            changed[index] = value;
            using LanguageModel other = PrunedModels.With(model, new Dictionary<string, float[]> { [name] = changed });
            int[] tokens = Window(window);
            double[][] logits = new Float64Decoder(other).Logits(tokens);
            return Enumerable.Range(0, Length - 1).Average(
                t => Math.Log(logits[t].Sum(Math.Exp)) - logits[t][tokens[t + 1]]);
        }
    }

    private static int[] Window(int index) => s_tokens[(index * Length)..((index + 1) * Length)];

    private static TokenWindows Cut(int[] tokens) => TokenWindows.FromTokens(tokens, Length);

    private static IReadOnlyDictionary<string, GradientStatistics> Run(LanguageModel model, StatisticsNeeds needs,
        int[]? tokens = null, MovementOptions? movement = null, string[]? names = null) => GradientRunner.Run(
        model, Cut(tokens ?? s_tokens), names ?? s_names, needs, movement ?? MovementOptions.Default, null,
        CancellationToken.None);
}
