using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.StandIns.TorchSharp;

[TestClass]
public sealed class ArithmeticTests
{
    private DisposeScope _scope = null!;

    [TestInitialize]
    public void Open() => _scope = NewDisposeScope();

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    public void Operators_TensorAndNumber_OfEveryType()
    {
        Tensor a = tensor([6.0, 8]);
        Scalar two = 2;
        foreach (Tensor t in new[] { a + tensor(2.0), a + two, a + 2.0, a + 2f, a + 2, a + 2L })
            TensorAssert.AreEqual(t, 8, 10);
        foreach (Tensor t in new[] { two + a, 2.0 + a, 2f + a, 2 + a, 2L + a })
            TensorAssert.AreEqual(t, 8, 10);
        foreach (Tensor t in new[] { a - tensor(2.0), a - two, a - 2.0, a - 2f, a - 2, a - 2L })
            TensorAssert.AreEqual(t, 4, 6);
        foreach (Tensor t in new[] { two - a, 2.0 - a, 2f - a, 2 - a, 2L - a })
            TensorAssert.AreEqual(t, -4, -6);
        foreach (Tensor t in new[] { a * tensor(2.0), a * two, a * 2.0, a * 2f, a * 2, a * 2L })
            TensorAssert.AreEqual(t, 12, 16);
        foreach (Tensor t in new[] { two * a, 2.0 * a, 2f * a, 2 * a, 2L * a })
            TensorAssert.AreEqual(t, 12, 16);
        foreach (Tensor t in new[] { a / tensor(2.0), a / two, a / 2.0, a / 2f, a / 2, a / 2L })
            TensorAssert.AreEqual(t, 3, 4);
        foreach (Tensor t in new[] { two / a, 2.0 / a, 2f / a, 2 / a, 2L / a })
            TensorAssert.AreEqual(t, 1 / 3.0, 0.25);
    }

    [TestMethod]
    public void Methods_OutOfPlace_LeaveTheirInput()
    {
        Tensor a = tensor([7.0, -8]);
        Tensor b = tensor([2.0, 3]);
        TensorAssert.AreEqual(a.add(b), 9, -5);
        TensorAssert.AreEqual(a.add(b, 10), 27, 22);
        TensorAssert.AreEqual(a.add(1), 8, -7);
        TensorAssert.AreEqual(a.add(1, 10), 17, 2);
        TensorAssert.AreEqual(a.sub(b), 5, -11);
        TensorAssert.AreEqual(a.sub(1), 6, -9);
        TensorAssert.AreEqual(a.mul(b), 14, -24);
        TensorAssert.AreEqual(a.mul(2), 14, -16);
        TensorAssert.AreEqual(a.div(b), 3.5, -8 / 3.0);
        TensorAssert.AreEqual(a.div(2), 3.5, -4);
        TensorAssert.AreEqual(a.div(b, RoundingMode.trunc), 3, -2);
        TensorAssert.AreEqual(a.div(3, RoundingMode.floor), 2, -3);
        TensorAssert.AreEqual(a.remainder(5), 2, 2);
        TensorAssert.AreEqual(a.floor_divide(5), 1, -2);
        TensorAssert.AreEqual(a.addcmul(b, b, 10), 47, 82);
        TensorAssert.AreEqual(a.addcdiv(b, b), 8, -7);
        TensorAssert.AreEqual(a.addcdiv(b, b, 10), 17, 2);
        TensorAssert.AreEqual(a.maximum(b), 7, 3);
        TensorAssert.AreEqual(a.minimum(b), 2, -8);
        TensorAssert.AreEqual(a, 7, -8);
    }

    [TestMethod]
    public void Statics_OfTwoTensors_AgreeWithTheMethods()
    {
        Tensor a = tensor([7.0, -8]);
        Tensor b = tensor([2.0, 3]);
        TensorAssert.AreEqual(add(a, b), 9, -5);
        TensorAssert.AreEqual(add(a, 1), 8, -7);
        TensorAssert.AreEqual(sub(a, b), 5, -11);
        TensorAssert.AreEqual(mul(a, b), 14, -24);
        TensorAssert.AreEqual(mul(a, 2), 14, -16);
        TensorAssert.AreEqual(div(a, b), 3.5, -8 / 3.0);
        TensorAssert.AreEqual(maximum(a, b), 7, 3);
        TensorAssert.AreEqual(minimum(a, b), 2, -8);
        TensorAssert.IsScalar(dot(a, b), -10);
        TensorAssert.AreEqual(outer(a, b), [2, 2], 14, 21, -16, -24);
    }

    [TestMethod]
    public void InPlace_Arithmetic_ReturnsTheSameObject()
    {
        Tensor b = tensor([2.0, 4]);
        (Func<Tensor, Tensor> Operation, double[] Expected)[] cases =
        [
            (t => t.add_(b), [8, 12]), (t => t.add_(b, 10), [26, 48]), (t => t.add_(1), [7, 9]),
            (t => t.add_(1, 10), [16, 18]), (t => t.sub_(b), [4, 4]), (t => t.sub_(1), [5, 7]),
            (t => t.mul_(b), [12, 32]), (t => t.mul_(2), [12, 16]), (t => t.div_(b), [3, 2]),
            (t => t.div_(4), [1.5, 2]), (t => t.div_(4, RoundingMode.floor), [1, 2]),
            (t => t.div_(b, RoundingMode.floor), [3, 2]), (t => t.addcmul_(b, b, 2), [14, 40]),
            (t => t.addcdiv_(b, b), [7, 9]), (t => t.addcdiv_(b, b, 3), [9, 11]), (t => t.copy_(b), [2, 4]),
            (t => t.lerp_(b, tensor(0.5)), [4, 6]),
        ];
        foreach ((Func<Tensor, Tensor> operation, double[] expected) in cases)
        {
            Tensor target = tensor([6.0, 8]);
            Assert.AreSame(target, operation(target));
            TensorAssert.AreEqual(target, expected);
        }
    }

    [TestMethod]
    public void Products_OfMatrices_AgreeWithHandComputation()
    {
        Tensor a = tensor([1.0, 2, 3, 4], [2, 2]);
        Tensor b = tensor([5.0, 6, 7, 8], [2, 2]);
        Tensor v = tensor([1.0, 10]);
        double[] product = [19, 22, 43, 50];
        Tensor[] products = [a.matmul(b), a.mm(b), matmul(a, b), mm(a, b), einsum("ij,jk->ik", a, b)];
        foreach (Tensor t in products)
            TensorAssert.AreEqual(t, [2, 2], product);
        Tensor[] batched = [a[TensorIndex.None].bmm(b[TensorIndex.None]), bmm(a.unsqueeze(0), b.unsqueeze(0))];
        foreach (Tensor t in batched)
            TensorAssert.AreEqual(t, [1, 2, 2], product);
        TensorAssert.AreEqual(a.mv(v), 21, 43);
        TensorAssert.AreEqual(mv(a, v), 21, 43);
        TensorAssert.IsScalar(v.dot(v), 101);
        TensorAssert.AreEqual(v.outer(v), [2, 2], 1, 10, 10, 100);
        TensorAssert.AreEqual(b.addmm(a, b, 2, 10), [2, 2], 200, 232, 444, 516);
        TensorAssert.AreEqual(addmm(b, a, b, 2, 10), [2, 2], 200, 232, 444, 516);
        Tensor c = b.clone();
        Assert.AreSame(c, c.addmm_(a, b));
        TensorAssert.AreEqual(c, [2, 2], 24, 28, 50, 58);
        Assert.AreSame(c, c.addr_(v, v, 0, 1));
        TensorAssert.AreEqual(c, [2, 2], 1, 10, 10, 100);
    }

    [TestMethod]
    public void Cumulative_AlongADimension_AddsOrMultiplies()
    {
        Tensor t = tensor([1.0, 2, 3]);
        TensorAssert.AreEqual(t.cumsum(0), 1, 3, 6);
        TensorAssert.AreEqual(t.cumprod(0), 1, 2, 6);
        Assert.AreEqual(ScalarType.Float32, t.cumsum(0, ScalarType.Float32).dtype);
    }

    [TestMethod]
    public void Errors_OfLibtorch_BecomeExternalExceptions()
    {
        var error = Assert.ThrowsExactly<ExternalException>(() => zeros(2, 3).mm(zeros(2, 3)));
        StringAssert.Contains(error.Message, "2x3");
        Assert.ThrowsExactly<ExternalException>(() => zeros(2) + zeros(3));
        Assert.ThrowsExactly<ExternalException>(() => zeros(6).reshape(4, 2));
        Assert.ThrowsExactly<InvalidOperationException>(() =>
        {
            Tensor t = zeros(1);
            t.Dispose();
            t.add(1);
        });
    }
}
