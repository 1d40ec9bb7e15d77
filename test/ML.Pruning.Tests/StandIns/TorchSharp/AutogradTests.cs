using System.Runtime.InteropServices;
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
        Tensor target = OneHot([0, 2, 1]);
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

        static Tensor OneHot(long[] labels) =>
            nn.functional.one_hot(tensor(labels), 3).to_type(ScalarType.Float64);
    }

    [TestMethod]
    public void Gradient_OfLeaf_IsANewObjectEachTimeAndCanBeSet()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor([2.0, 3], requires_grad: true);
        Assert.IsTrue(x.is_leaf);
        Assert.IsNull(x.grad);
        x.square().sum().backward();
        TensorAssert.AreEqual(x.grad, 4, 6);
        Tensor again = x.grad;
        Assert.AreNotSame(again, x.grad);
        x.square().sum().backward();
        TensorAssert.AreEqual(x.grad, 8, 12);
        x.grad = tensor([1.0, 1]);
        TensorAssert.AreEqual(x.grad, 1, 1);
        x.grad = null;
        Assert.IsNull(x.grad);
        Assert.IsFalse(x.detach().requires_grad);
        Tensor y = x * 2;
        Assert.IsFalse(y.is_leaf);
        y.retain_grad();
        y.sum().backward();
        TensorAssert.AreEqual(y.grad, 1, 1);
        Assert.AreSame(y, y.detach_());
        Assert.IsFalse(y.requires_grad);
        Assert.AreSame(y, y.requires_grad_());
        Assert.IsFalse(y.with_requires_grad(false).requires_grad);
    }

    [TestMethod]
    public void Backward_WithGraphOptions_FollowsThem()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor([2.0, 3], requires_grad: true);
        Tensor y = x.pow(3);
        Tensor[] seeds = [tensor([1.0, 10])];
        y.backward(seeds, retain_graph: true);
        TensorAssert.AreEqual(x.grad, 12, 270);
        autograd.backward(y, seeds);
        TensorAssert.AreEqual(x.grad, 24, 540);
        Assert.ThrowsExactly<ExternalException>(() => autograd.backward([y], seeds));
    }

    [TestMethod]
    public void Grad_SecondOrder_AgreesWithHandComputation()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor([2.0, 3], requires_grad: true);
        Tensor unused = tensor([1.0], requires_grad: true);
        IList<Tensor> first = autograd.grad([x.pow(3).sum()], [x, unused], create_graph: true, allow_unused: true);
        TensorAssert.AreEqual(first[0], 12, 27);
        Assert.IsTrue(first[1].IsInvalid);
        Assert.IsNull(x.grad);
        TensorAssert.AreEqual(autograd.grad([first[0]], [x], [tensor([1.0, 10])])[0], 12, 180);
    }

    [TestMethod]
    public void Modes_OfThisThread_AreRestored()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = ones([1], requires_grad: true);
        Assert.IsTrue(is_grad_enabled());
        using (no_grad())
        {
            Assert.IsFalse(is_grad_enabled());
            Assert.IsFalse((x * 2).requires_grad);
            Assert.IsTrue(OtherThread.Run(is_grad_enabled));
            using (enable_grad())
                Assert.IsTrue((x * 2).requires_grad);
            Assert.IsFalse(is_grad_enabled());
        }
        using (set_grad_enabled(false))
            Assert.IsFalse(is_grad_enabled());
        using (inference_mode())
        {
            Assert.IsTrue(is_inference_mode_enabled());
            Assert.IsFalse((x * 2).requires_grad);
        }
        Assert.IsFalse(is_inference_mode_enabled());
        Assert.IsTrue(is_grad_enabled());
    }
}
