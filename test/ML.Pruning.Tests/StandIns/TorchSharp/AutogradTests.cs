using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.StandIns.TorchSharp;

[TestClass]
public sealed class AutogradTests
{
    private static Tensor Loss(Tensor x, Tensor w1, Tensor w2, Tensor target)
    {
        Tensor hidden = nn.functional.silu(x.matmul(w1.t()));
        Tensor logProbabilities = hidden.matmul(w2.t()).softmax(-1).log();
        return (logProbabilities * target).sum().neg();
    }

    [TestMethod]
    public void Backward_LinearSiluSoftmax_AgreesWithFiniteDifferences()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(7);
        Tensor x = randn(3, 4, ScalarType.Float64);
        Tensor target = one_hot([0, 2, 1]);
        Tensor w1 = randn(5, 4, ScalarType.Float64, requires_grad: true);
        Tensor w2 = randn(3, 5, ScalarType.Float64, requires_grad: true);

        Loss(x, w1, w2, target).backward();

        const double Step = 1e-5;
        foreach (Tensor weight in new[] { w1, w2 })
        {
            double[] gradient = weight.grad.data<double>().ToArray();
            for (int i = 0; i < gradient.Length; i++)
            {
                using IDisposable guard = no_grad();
                Tensor flat = weight.view(-1);
                double value = flat[i].ToDouble();
                flat[i] = value + Step;
                double above = Loss(x, w1, w2, target).ToDouble();
                flat[i] = value - Step;
                double below = Loss(x, w1, w2, target).ToDouble();
                flat[i] = value;
                Assert.AreEqual((above - below) / (2 * Step), gradient[i], 1e-7, $"weight {i}");
            }
        }

        static Tensor one_hot(long[] labels) =>
            nn.functional.one_hot(tensor(labels), 3).to_type(ScalarType.Float64);
    }
}
