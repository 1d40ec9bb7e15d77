using ML.Pruning.Recovery;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Recovery;

/// <summary>Distillation losses against plain float64 code, their gradients against finite differences, and the
/// properties that they promise.</summary>
[TestClass]
public class DistillationLossesTests
{
    [TestMethod]
    [DataRow(1.0)]
    [DataRow(2.5)]
    public void KullbackLeibler_TwoRows_IsAsByHandAndSoAreItsGradients(double temperature)
    {
        const int rows = 2, vocabulary = 5;
        double[] student = Values(rows * vocabulary, seed: 1), teacher = Values(rows * vocabulary, seed: 2);
        AssertLossAndGradient(student, [rows, vocabulary],
            s => DistillationLosses.KullbackLeibler(s, tensor(teacher, [rows, vocabulary]), temperature),
            s => Divergence(s, teacher, vocabulary, temperature));
    }

    [TestMethod]
    public void KullbackLeibler_EqualLogits_IsZero()
    {
        using Tensor logits = tensor(Values(12, seed: 3), [3, 4]);
        using Tensor loss = DistillationLosses.KullbackLeibler(logits, logits, 2);
        Assert.AreEqual(0, loss.ToDouble(), 1e-15);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void SquareHead_TwoStates_IsAsByHandAndSoAreItsGradients(bool padded)
    {
        const int tokens = 3, width = 4;
        long[] rows = padded ? [0, 2, 3] : [0, 1, 2, 3, 4, 5];
        double[] student = Values(2 * 2 * tokens * width, seed: 4), teacher = Values(student.Length, seed: 5);
        AssertLossAndGradient(student, [2, 2, tokens, width],
            s => DistillationLosses.SquareHead(States(s), States(tensor(teacher, [2, 2, tokens, width])),
                padded ? tensor(rows) : null),
            s => Enumerable.Range(0, 2).Sum(i => RelativeSquares(
                s.AsSpan(i * 2 * tokens * width), teacher.AsSpan(i * 2 * tokens * width), rows, width)));

        static Tensor[] States(Tensor both) => [both.select(0, 0), both.select(0, 1)];
    }

    [TestMethod]
    public void SquareHead_EqualStates_IsZero()
    {
        using Tensor states = tensor(Values(24, seed: 6), [2, 3, 4]);
        using Tensor loss = DistillationLosses.SquareHead([states, states], [states, states], null);
        Assert.AreEqual(0, loss.ToDouble());
    }

    [TestMethod]
    public void SquareHead_BothScaled_DiffersOnlyByEpsilon()
    {
        using Tensor student = tensor(Values(24, seed: 7), [2, 3, 4]);
        using Tensor teacher = tensor(Values(24, seed: 8), [2, 3, 4]);
        double power = teacher.square().mean().ToDouble();
        double loss = DistillationLosses.SquareHead([student], [teacher], null).ToDouble();
        foreach (double factor in new[] { 0.5, 10, 1e4 })
        {
            double scaled = DistillationLosses.SquareHead([student * factor], [teacher * factor], null).ToDouble();
            double square = factor * factor;
            double expected = loss * (power + DistillationLosses.SquareHeadEpsilon) * square
                / (power * square + DistillationLosses.SquareHeadEpsilon);
            Assert.AreEqual(expected, scaled, 1e-12);
        }
    }

    // Central differences of the torch loss and of the plain one must both give torch's gradient.
    private static void AssertLossAndGradient(
        double[] values, long[] shape, Func<Tensor, Tensor> loss, Func<double[], double> expected)
    {
        const double step = 1e-6;
        using DisposeScope scope = NewDisposeScope();
        Tensor input = tensor(values, shape, requires_grad: true);
        Tensor result = loss(input);
        Assert.AreEqual(expected(values), result.ToDouble(), 1e-12);
        result.backward();
        double[] gradient = [.. input.grad!.data<double>()];
        for (int i = 0; i < values.Length; i++)
        {
            double[] up = [.. values], down = [.. values];
            up[i] += step;
            down[i] -= step;
            double numeric = (expected(up) - expected(down)) / (2 * step);
            Assert.AreEqual(numeric, gradient[i], 1e-8, $"{i}");
        }
    }

    private static double Divergence(double[] student, double[] teacher, int vocabulary, double temperature)
    {
        int rows = student.Length / vocabulary;
        double sum = 0;
        for (int r = 0; r < rows; r++)
        {
            double[] p = Softmax(teacher.AsSpan(r * vocabulary, vocabulary), temperature);
            double[] q = Softmax(student.AsSpan(r * vocabulary, vocabulary), temperature);
            for (int v = 0; v < vocabulary; v++) sum += p[v] * Math.Log(p[v] / q[v]);
        }

        return sum * temperature * temperature / rows;
    }

    private static double[] Softmax(ReadOnlySpan<double> logits, double temperature)
    {
        double[] exponentials = [.. logits.ToArray().Select(x => Math.Exp(x / temperature))];
        double total = exponentials.Sum();
        return [.. exponentials.Select(e => e / total)];
    }

    private static double RelativeSquares(
        ReadOnlySpan<double> student, ReadOnlySpan<double> teacher, long[] rows, int width)
    {
        double distance = 0, power = 0;
        foreach (long row in rows)
        {
            for (int i = (int)row * width; i < ((int)row + 1) * width; i++)
            {
                distance += (student[i] - teacher[i]) * (student[i] - teacher[i]);
                power += teacher[i] * teacher[i];
            }
        }

        double count = rows.Length * width;
        return distance / count / (power / count + 0.0078125);
    }

    private static double[] Values(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => 2 * random.NextDouble() - 1)];
    }
}
