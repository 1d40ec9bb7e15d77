using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ML.Pruning.Tests.StandIns.TorchSharp;

[TestClass]
public sealed class LayerTests
{
    private DisposeScope _scope = null!;

    [TestInitialize]
    public void Open() => _scope = NewDisposeScope();

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    public void Linear_WithAndWithoutBias_AgreesWithHandComputation()
    {
        Tensor x = tensor([1f, 2], [1, 2]);
        using Linear given = nn.Linear(nn.Parameter(tensor([1f, 2, 3, 4], [2, 2])), nn.Parameter(tensor([10f, 20])));
        TensorAssert.AreEqual(given.forward(x), [1, 2], 15, 31);
        Assert.AreEqual(2, given.in_features);
        Assert.AreEqual(2, given.out_features);
        given.bias = null;
        TensorAssert.AreEqual(given.forward(x), [1, 2], 5, 11);
        Assert.AreEqual(1, given.parameters().Count());
        TensorAssert.AreEqual(functional.linear(x, given.weight), [1, 2], 5, 11);

        using Linear made = nn.Linear(16, 8, dtype: ScalarType.Float64);
        CollectionAssert.AreEqual(new long[] { 8, 16 }, made.weight.shape);
        Assert.AreEqual(ScalarType.Float64, made.bias.dtype);
        Assert.IsLessThanOrEqualTo(0.25, made.weight.abs().max().ToDouble());
        Assert.IsGreaterThan(0.2, made.weight.abs().max().ToDouble());
        Assert.IsLessThanOrEqualTo(0.25, made.bias.abs().max().ToDouble());
        Assert.IsNull(nn.Linear(2, 2, hasBias: false).bias);
    }

    [TestMethod]
    public void Embedding_Lookup_ReadsRowsAndSkipsThePadding()
    {
        using Embedding table = nn.Embedding(4, 3, padding_idx: 1);
        Tensor rows = table.forward(tensor([2L, 1], [1, 2]));
        Assert.IsTrue(rows[0, 0].allclose(table.weight[2]));
        TensorAssert.AreEqual(rows[0, 1], 0, 0, 0);
        rows.sum().backward();
        TensorAssert.AreEqual(table.weight.grad.sum(1), 0, 0, 3, 0);
        using Embedding given = nn.Embedding_from_pretrained(ones(2, 2));
        Assert.IsFalse(given.weight.requires_grad);
        TensorAssert.AreEqual(given.call(tensor([1L])), [1, 2], 1, 1);
    }

    [TestMethod]
    public void LayerNorm_Rows_HaveMeanZeroAndVarianceOne()
    {
        Tensor x = tensor([1f, 3, 10, 30], [2, 2]);
        double small = 1 / Math.Sqrt(1 + 1e-5);
        using LayerNorm norm = nn.LayerNorm(2);
        TensorAssert.AreEqual(norm.forward(x), [2, 2], -small, small, -1, 1);
        norm.weight = nn.Parameter(tensor([2f, 2]));
        norm.bias = nn.Parameter(tensor([5f, 5]));
        TensorAssert.AreEqual(norm.forward(x)[1], 3, 7);
        Assert.AreEqual(1e-5, norm.eps);
        Assert.IsTrue(norm.elementwise_affine);
        CollectionAssert.AreEqual(new long[] { 2 }, norm.normalized_shape);
        using LayerNorm plain = nn.LayerNorm([2], elementwise_affine: false);
        Assert.AreEqual(0, plain.parameters().Count());
        TensorAssert.AreEqual(functional.layer_norm(x, [2])[1], -1, 1);
    }

    [TestMethod]
    public void Dropout_TrainingOnly_ZeroesAndRescales()
    {
        using Dropout dropout = nn.Dropout(0.25);
        Tensor x = ones(10000);
        Tensor dropped = dropout.call(x);
        Assert.AreEqual(0.25, dropped.eq(0).@double().mean().ToDouble(), 0.03);
        Assert.AreEqual(4 / 3.0, dropped.max().ToDouble(), 1e-6);
        dropout.eval();
        Assert.IsTrue(dropout.call(x).allclose(x));
        dropout.p = 1;
        dropout.inplace = true;
        dropout.train();
        Assert.AreEqual(0, dropout.call(x).sum().ToDouble());
        Assert.AreEqual(0, x.sum().ToDouble());
    }

    [TestMethod]
    public void Activations_AsFunctions_AgreeWithTheMethods()
    {
        Tensor x = tensor([-1.0, 2]);
        Assert.IsTrue(functional.relu(x).allclose(x.relu()));
        Assert.IsTrue(functional.silu(x).allclose(x.silu()));
        Assert.IsTrue(functional.gelu(x).allclose(x.gelu()));
        Assert.IsTrue(functional.softmax(x, 0).allclose(x.softmax(0)));
        Assert.IsTrue(functional.log_softmax(x, 0).allclose(x.log_softmax(0)));
        Tensor y = x.clone();
        Tensor inPlace = functional.silu(y, true);
        Assert.AreNotSame(y, inPlace);
        Assert.IsTrue(y.allclose(x.silu()) && inPlace.allclose(y));
        Assert.AreEqual(0, functional.relu(y, inplace: true).sub(y).abs().sum().ToDouble());
        TensorAssert.AreEqual(functional.normalize(tensor([3.0, 4], [1, 2])), [1, 2], 0.6, 0.8);
        TensorAssert.AreEqual(functional.one_hot(tensor([1L, 0]), 3), [2, 3], 0, 1, 0, 1, 0, 0);
    }

    [TestMethod]
    public void Losses_SmallInputs_AgreeWithHandComputation()
    {
        Tensor logits = tensor([0.0, Math.Log(3), 0, 0], [2, 2]);
        Tensor labels = tensor([1L, 0]);
        double a = -Math.Log(0.75);
        double b = -Math.Log(0.5);
        TensorAssert.IsScalar(functional.cross_entropy(logits, labels), (a + b) / 2);
        TensorAssert.IsScalar(functional.cross_entropy(logits, labels, reduction: Reduction.Sum), a + b);
        TensorAssert.AreEqual(functional.cross_entropy(logits, labels, reduction: Reduction.None), a, b);
        TensorAssert.IsScalar(functional.cross_entropy(logits, tensor([1L, -100])), a);
        TensorAssert.IsScalar(functional.mse_loss(tensor([1.0, 3]), tensor([0.0, 0])), 5);
        TensorAssert.IsScalar(
            functional.binary_cross_entropy_with_logits(tensor([0.0]), tensor([1.0])), Math.Log(2));
    }

    [TestMethod]
    public void KlDiv_ByDefault_TakesLogarithmsAsTarget()
    {
        Tensor p = tensor([0.25, 0.75]);
        Tensor q = tensor([0.5, 0.5]);
        double divergence = (0.25 * Math.Log(0.5)) + (0.75 * Math.Log(1.5));
        TensorAssert.IsScalar(functional.kl_div(q.log(), p.log(), reduction: Reduction.Sum), divergence);
        TensorAssert.IsScalar(functional.kl_div(q.log(), p, false, Reduction.Sum), divergence);
        TensorAssert.IsScalar(functional.kl_div(p, p), 0);
    }

    [TestMethod]
    public void Attention_CausalAndMasked_AgreesWithHandComputation()
    {
        Tensor query = zeros(1, 2, 4);
        Tensor value = tensor([1f, 3], [1, 2, 1]);
        TensorAssert.AreEqual(functional.scaled_dot_product_attention(query, query, value), [1, 2, 1], 2, 2);
        Tensor causal = functional.scaled_dot_product_attention(query, query, value, is_casual: true);
        TensorAssert.AreEqual(causal, [1, 2, 1], 1, 2);
        Tensor mask = tensor([true, false, true, true], [2, 2]);
        TensorAssert.AreEqual(functional.scaled_dot_product_attention(query, query, value, mask), [1, 2, 1], 1, 2);
        Tensor bias = tensor([0f, (float)Math.Log(3)]);
        Tensor biased = functional.scaled_dot_product_attention(query, query, value, bias);
        TensorAssert.AreEqual(biased, [1, 2, 1], 2.5, 2.5);
        Tensor keys = tensor([2f, 0], [1, 2, 1]);
        Tensor scored = functional.scaled_dot_product_attention(ones(1, 1, 1), keys, value);
        double e = Math.Exp(2);
        TensorAssert.AreEqual(scored, [1, 1, 1], (e + 3) / (e + 1));
        Assert.ThrowsExactly<ArgumentException>(() =>
            functional.scaled_dot_product_attention(query, query, value, mask, is_casual: true));
    }

    [TestMethod]
    public void Initialisers_Bounds_FollowTheirFormulas()
    {
        Tensor w = zeros(200, 50);
        Assert.AreSame(w, init.kaiming_uniform_(w, Math.Sqrt(5)));
        Check(w, Math.Sqrt(1 / 50.0));
        Check(init.kaiming_uniform_(w, 0, init.FanInOut.FanOut, init.NonlinearityType.ReLU), Math.Sqrt(6 / 200.0));
        Check(init.xavier_uniform_(w), Math.Sqrt(6 / 250.0));
        Check(init.uniform_(w, -3, 3), 3);
        init.normal_(w, 5, 0.1);
        Assert.AreEqual(5, w.mean().ToDouble(), 0.01);
        Assert.AreEqual((50L, 200L), init.CalculateFanInAndFanOut(w));
        Assert.AreEqual(5 / 3.0, init.calculate_gain(init.NonlinearityType.Tanh));
        Assert.AreEqual(1, init.calculate_gain(init.NonlinearityType.Linear));
        Assert.ThrowsExactly<ExternalException>(() => init.xavier_uniform_(zeros(2)));

        static void Check(Tensor t, double bound)
        {
            double largest = t.abs().max().ToDouble();
            Assert.IsLessThanOrEqualTo(bound, largest);
            Assert.IsGreaterThan(0.97 * bound, largest);
        }
    }
}
