using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.StandIns.TorchSharp;

[TestClass]
public sealed class PointwiseTests
{
    private DisposeScope _scope = null!;

    [TestInitialize]
    public void Open() => _scope = NewDisposeScope();

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    public void Functions_OfOneTensor_AgreeWithMath()
    {
        double[] inputs = [0.3, 1.7, 2.5];
        (Func<Tensor, Tensor> Actual, Func<double, double> Expected)[] cases =
        [
            (t => t.abs(), Math.Abs), (t => t.ceil(), Math.Ceiling), (t => t.cos(), Math.Cos),
            (t => t.exp(), Math.Exp), (t => t.floor(), Math.Floor), (t => t.log(), Math.Log),
            (t => t.log1p(), x => Math.Log(1 + x)), (t => t.neg(), x => -x), (t => t.reciprocal(), x => 1 / x),
            (t => t.rsqrt(), x => 1 / Math.Sqrt(x)), (t => t.sigmoid(), Sigmoid), (t => t.sign(), x => Math.Sign(x)),
            (t => t.sin(), Math.Sin), (t => t.sqrt(), Math.Sqrt), (t => t.tanh(), Math.Tanh),
            (t => t.trunc(), Math.Truncate), (t => t.square(), x => x * x), (t => t.round(), x => Math.Round(x)),
            (t => t.round(1), x => Math.Round(x, 1)), (t => t.relu(), x => x), (t => t.silu(), x => x * Sigmoid(x)),
            (t => t.pow(1.5), x => Math.Pow(x, 1.5)), (t => t.pow(t), x => Math.Pow(x, x)),
            (t => t.clamp(1, 2), x => Math.Clamp(x, 1, 2)), (t => t.clamp(max: 2), x => Math.Min(x, 2)),
            (t => t.clamp(tensor(1.0), tensor(2.0)), x => Math.Clamp(x, 1, 2)),
            (t => t.clamp_min(1), x => Math.Max(x, 1)), (t => t.clamp_max(1), x => Math.Min(x, 1)),
            (t => -t, x => -x),
        ];
        foreach ((Func<Tensor, Tensor> actual, Func<double, double> expected) in cases)
            TensorAssert.AreEqual(actual(tensor(inputs)), inputs.Select(expected).ToArray());
        TensorAssert.AreEqual(tensor([-1.0, 0, 1]).gelu(), -0.15865525, 0, 0.84134475);
        TensorAssert.AreEqual(tensor([-1.0, 1]).relu(), 0, 1);
    }

    [TestMethod]
    public void Statics_OfOneTensor_AgreeWithTheMethods()
    {
        (Func<Tensor, Tensor> Static, Func<Tensor, Tensor> Method)[] pairs =
        [
            (abs, t => t.abs()), (cos, t => t.cos()), (exp, t => t.exp()), (floor, t => t.floor()),
            (log, t => t.log()), (neg, t => t.neg()), (reciprocal, t => t.reciprocal()), (rsqrt, t => t.rsqrt()),
            (sigmoid, t => t.sigmoid()), (sign, t => t.sign()), (sin, t => t.sin()), (sqrt, t => t.sqrt()),
            (square, t => t.square()), (tanh, t => t.tanh()), (t => round(t), t => t.round()),
            (t => softmax(t, 0), t => t.softmax(0)), (t => pow(t, 3), t => t.pow(3)), (t => pow(t, t), t => t.pow(t)),
            (t => clamp(t, 1, 2), t => t.clamp(1, 2)), (t => cumsum(t, 0), t => t.cumsum(0)),
        ];
        Tensor input = tensor([0.3, 1.7, 2.5]);
        foreach ((Func<Tensor, Tensor> function, Func<Tensor, Tensor> method) in pairs)
            Assert.IsTrue(allclose(method(input), function(input)));
    }

    [TestMethod]
    public void InPlace_OfOneTensor_ChangesAndReturnsTheSameObject()
    {
        (Func<Tensor, Tensor> InPlace, Func<Tensor, Tensor> Plain)[] pairs =
        [
            (t => t.abs_(), t => t.abs()), (t => t.ceil_(), t => t.ceil()), (t => t.exp_(), t => t.exp()),
            (t => t.floor_(), t => t.floor()), (t => t.log_(), t => t.log()), (t => t.neg_(), t => t.neg()),
            (t => t.reciprocal_(), t => t.reciprocal()), (t => t.rsqrt_(), t => t.rsqrt()),
            (t => t.sigmoid_(), t => t.sigmoid()), (t => t.sign_(), t => t.sign()), (t => t.sqrt_(), t => t.sqrt()),
            (t => t.tanh_(), t => t.tanh()), (t => t.trunc_(), t => t.trunc()), (t => t.relu_(), t => t.relu()),
            (t => t.silu_(), t => t.silu()), (t => t.round_(), t => t.round()), (t => t.pow_(2), t => t.pow(2)),
            (t => t.clamp_(1, 2), t => t.clamp(1, 2)), (t => t.clamp_min_(1), t => t.clamp_min(1)),
            (t => t.clamp_max_(1), t => t.clamp_max(1)), (t => t.fill_(3), t => t * 0 + 3),
            (t => nn.init.zeros_(t), t => t * 0), (t => nn.init.ones_(t), t => t * 0 + 1),
            (t => nn.init.constant_(t, 4), t => t * 0 + 4),
        ];
        foreach ((Func<Tensor, Tensor> inPlace, Func<Tensor, Tensor> plain) in pairs)
        {
            Tensor input = tensor([0.3, 1.7, 2.5, 0.9], [2, 2]);
            Tensor expected = plain(input);
            Tensor result = inPlace(input);
            Assert.AreSame(input, result);
            Assert.IsTrue(allclose(expected, input));
        }
    }

    [TestMethod]
    public void InPlace_OfTheseFunctions_ChangesAndReturnsAnotherObject()
    {
        (Func<Tensor, Tensor> InPlace, Func<Tensor, Tensor> Plain)[] pairs =
            [(t => t.zero_(), t => t * 0), (t => t.triu_(), t => t.triu()), (t => t.tril_(), t => t.tril())];
        foreach ((Func<Tensor, Tensor> inPlace, Func<Tensor, Tensor> plain) in pairs)
        {
            Tensor input = tensor([0.3, 1.7, 2.5, 0.9], [2, 2]);
            Tensor expected = plain(input);
            Tensor result = inPlace(input);
            Assert.AreNotSame(input, result);
            Assert.IsTrue(allclose(expected, input) && allclose(expected, result));
        }
    }

    [TestMethod]
    public void Softmax_Rows_SumToOne()
    {
        Tensor t = tensor([0.0, Math.Log(3), 0, 0], [2, 2]);
        TensorAssert.AreEqual(t.softmax(-1), [2, 2], 0.25, 0.75, 0.5, 0.5);
        TensorAssert.AreEqual(t.log_softmax(-1), [2, 2], Math.Log(.25), Math.Log(.75), Math.Log(.5), Math.Log(.5));
        TensorAssert.AreEqual(t.logsumexp(1), Math.Log(4), Math.Log(2));
        TensorAssert.AreEqual(logsumexp(t, 1, true), [2, 1], Math.Log(4), Math.Log(2));
        Assert.AreEqual(ScalarType.Float32, t.softmax(-1, ScalarType.Float32).dtype);
    }

    [TestMethod]
    public void Classification_OfSpecialValues_FindsThem()
    {
        Tensor t = tensor([1.0, double.NaN, double.PositiveInfinity]);
        TensorAssert.AreEqual(t.isnan(), 0, 1, 0);
        TensorAssert.AreEqual(isnan(t), 0, 1, 0);
        TensorAssert.AreEqual(t.isinf(), 0, 0, 1);
        TensorAssert.AreEqual(isinf(t), 0, 0, 1);
        TensorAssert.AreEqual(t.isfinite(), 1, 0, 0);
        TensorAssert.AreEqual(isfinite(t), 1, 0, 0);
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
