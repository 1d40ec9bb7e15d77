using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.StandIns.TorchSharp;

[TestClass]
public sealed class ReduceTests
{
    private DisposeScope _scope = null!;
    private Tensor _matrix = null!;

    [TestInitialize]
    public void Open()
    {
        _scope = NewDisposeScope();
        _matrix = tensor([3.0, 1, 2, 0, 5, 4], [2, 3]);
    }

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    public void Sums_AllOrAlongDimensions_AgreeWithHandComputation()
    {
        TensorAssert.IsScalar(_matrix.sum(), 15);
        TensorAssert.IsScalar(sum(_matrix), 15);
        TensorAssert.AreEqual(_matrix.sum(dim: 0), 3, 6, 6);
        TensorAssert.AreEqual(sum(_matrix, 1), 6, 9);
        TensorAssert.AreEqual(_matrix.sum([0, 1], true), [1, 1], 15);
        Assert.AreEqual(ScalarType.Float32, _matrix.sum(ScalarType.Float32).dtype);
        TensorAssert.IsScalar(_matrix.mean(), 2.5);
        TensorAssert.IsScalar(mean(_matrix), 2.5);
        TensorAssert.AreEqual(_matrix.mean([1]), 2, 3);
        TensorAssert.AreEqual(mean(_matrix, [1], true), [2, 1], 2, 3);
        TensorAssert.IsScalar(tensor([2.0, 3]).prod(), 6);
        TensorAssert.IsScalar(_matrix.count_nonzero(), 5);
        TensorAssert.AreEqual(_matrix.count_nonzero([1]), 3, 2);
        TensorAssert.IsScalar(count_nonzero(_matrix), 5);
    }

    [TestMethod]
    public void Spread_WithAndWithoutCorrection_AgreesWithHandComputation()
    {
        TensorAssert.IsScalar(_matrix.var(), 3.5);
        TensorAssert.AreEqual(_matrix.var(1), 1, 7);
        TensorAssert.AreEqual(_matrix.var([1], false, true), [2, 1], 2 / 3.0, 14 / 3.0);
        TensorAssert.IsScalar(_matrix.std(), Math.Sqrt(3.5));
        TensorAssert.AreEqual(_matrix.std(1), 1, Math.Sqrt(7));
        TensorAssert.AreEqual(_matrix.std([1], keepdim: true), [2, 1], 1, Math.Sqrt(7));
        TensorAssert.IsScalar(_matrix.norm(), Math.Sqrt(55));
        TensorAssert.IsScalar(_matrix.norm(1f), 15);
        TensorAssert.AreEqual(_matrix.norm(1, false, 1), 6, 9);
        TensorAssert.AreEqual(_matrix.norm(dim: 1, keepdim: true), [2, 1], Math.Sqrt(14), Math.Sqrt(41));
    }

    [TestMethod]
    public void Extremes_AllOrAlongDimensions_AgreeWithHandComputation()
    {
        TensorAssert.IsScalar(_matrix.max(), 5);
        TensorAssert.IsScalar(_matrix.min(), 0);
        TensorAssert.IsScalar(max(_matrix), 5);
        TensorAssert.IsScalar(min(_matrix), 0);
        Check(_matrix.max(1), [3, 5], [0, 1]);
        Check(max(_matrix, 1), [3, 5], [0, 1]);
        Check(_matrix.min(1), [1, 0], [1, 0]);
        Check(min(_matrix, 1), [1, 0], [1, 0]);
        TensorAssert.AreEqual(_matrix.max(tensor(2.0)), [2, 3], 3, 2, 2, 2, 5, 4);
        TensorAssert.AreEqual(max(_matrix, tensor(2.0)), [2, 3], 3, 2, 2, 2, 5, 4);
        TensorAssert.AreEqual(_matrix.min(tensor(2.0)), [2, 3], 2, 1, 2, 0, 2, 2);
        TensorAssert.AreEqual(_matrix.amax(1), 3, 5);
        TensorAssert.AreEqual(_matrix.amax([1], true), [2, 1], 3, 5);
        TensorAssert.AreEqual(_matrix.amin(1), 1, 0);
        Tensor target = zeros([2], ScalarType.Float64);
        Assert.AreNotSame(target, _matrix.amin([1], false, target));
        TensorAssert.AreEqual(target, 1, 0);
        TensorAssert.IsScalar(_matrix.argmax(), 4);
        TensorAssert.AreEqual(_matrix.argmax(1), 0, 1);
        TensorAssert.AreEqual(argmax(_matrix, 1, true), [2, 1], 0, 1);
        TensorAssert.IsScalar(_matrix.argmin(), 3);
        TensorAssert.AreEqual(_matrix.argmin(1), 1, 0);
        TensorAssert.AreEqual(argmin(_matrix, 1), 1, 0);
    }

    [TestMethod]
    public void Orders_OfRows_AgreeWithHandComputation()
    {
        Tensor row = _matrix[0];
        Check(row.topk(2), [3, 2], [0, 2]);
        Check(topk(row, 1, largest: false), [1], [1]);
        Check(row.sort(), [1, 2, 3], [1, 2, 0]);
        Check(row.sort(0, true, true), [3, 2, 1], [0, 2, 1]);
        TensorAssert.AreEqual(row.argsort(), 1, 2, 0);
        TensorAssert.AreEqual(argsort(row, 0, true), 0, 2, 1);
        (Tensor value, Tensor index) = row.kthvalue(2, null);
        TensorAssert.IsScalar(value, 2);
        TensorAssert.IsScalar(index, 2);
        TensorAssert.IsScalar(row.median(), 2);
        TensorAssert.AreEqual(row.quantile(tensor([0.25])), 1.5);
        TensorAssert.AreEqual(row.gt(1).nonzero(), [2, 1], 0, 2);
        TensorAssert.AreEqual(nonzero(row.gt(1)), [2, 1], 0, 2);
        Tensor ties = tensor([1.0, 0, 1, 0]);
        TensorAssert.AreEqual(ties.sort(0, false, true).Indices, 1, 3, 0, 2);
    }

    [TestMethod]
    public void Comparisons_WithTensorAndNumber_AgreeWithHandComputation()
    {
        Tensor a = tensor([1.0, 2, 3]);
        Tensor b = tensor(2.0);
        Scalar s = 2;
        (Tensor[] Results, double[] Expected)[] cases =
        [
            ([a.eq(b), a.eq(2), a == b, a == s, s == a], [0, 1, 0]),
            ([a.ne(b), a.ne(2), a != b, a != s, s != a], [1, 0, 1]),
            ([a.lt(b), a.lt(2), a < b, a < s, s > a], [1, 0, 0]),
            ([a.le(b), a.le(2), a <= b, a <= s, s >= a], [1, 1, 0]),
            ([a.gt(b), a.gt(2), a > b, a > s, s < a], [0, 0, 1]),
            ([a.ge(b), a.ge(2), a >= b, a >= s, s <= a], [0, 1, 1]),
        ];
        foreach ((Tensor[] results, double[] expected) in cases)
        {
            foreach (Tensor result in results)
            {
                Assert.AreEqual(ScalarType.Bool, result.dtype);
                TensorAssert.AreEqual(result, expected);
            }
        }
    }

    [TestMethod]
    public void Logic_OfMasks_AgreesWithTruthTables()
    {
        Tensor a = tensor([true, true, false, false]);
        Tensor b = tensor([true, false, true, false]);
        foreach (Tensor t in new[] { a.logical_and(b), logical_and(a, b), a & b, a.bitwise_and(b) })
            TensorAssert.AreEqual(t, 1, 0, 0, 0);
        foreach (Tensor t in new[] { a.logical_or(b), logical_or(a, b), a | b, a.bitwise_or(b) })
            TensorAssert.AreEqual(t, 1, 1, 1, 0);
        foreach (Tensor t in new[] { a.logical_xor(b), a ^ b })
            TensorAssert.AreEqual(t, 0, 1, 1, 0);
        foreach (Tensor t in new[] { a.logical_not(), logical_not(a), ~a, a.bitwise_not() })
            TensorAssert.AreEqual(t, 0, 0, 1, 1);
        Tensor c = a.clone();
        Assert.AreSame(c, c.logical_and_(b).logical_or_(b).logical_not_());
        TensorAssert.AreEqual(c, 0, 1, 0, 1);
        Assert.IsTrue(a.any().ToBoolean());
        Assert.IsFalse(a.all().ToBoolean());
        TensorAssert.AreEqual(a.reshape(2, 2).any(0), 1, 1);
        TensorAssert.AreEqual(b.reshape(2, 2).all(0), 1, 0);
        Assert.IsTrue(_matrix.allclose(_matrix + 1e-9));
        Assert.IsFalse(allclose(_matrix, _matrix + 1e-3));
        TensorAssert.AreEqual(tensor([1.0, 2]).isclose(tensor([1.0, 3])), 1, 0);
    }

    private static void Check((Tensor Values, Tensor Indices) actual, double[] values, double[] indices)
    {
        TensorAssert.AreEqual(actual.Values, values);
        TensorAssert.AreEqual(actual.Indices, indices);
    }
}
