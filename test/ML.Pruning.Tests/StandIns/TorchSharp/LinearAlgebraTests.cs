using System.Diagnostics;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.StandIns.TorchSharp;

[TestClass]
public sealed class LinearAlgebraTests
{
    private DisposeScope _scope = null!;
    private Tensor _positive = null!;

    [TestInitialize]
    public void Open()
    {
        _scope = NewDisposeScope();
        _positive = tensor([4.0, 2, 2, 5], [2, 2]);
    }

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    public void Cholesky_PositiveMatrix_AgreesWithHandComputation()
    {
        TensorAssert.AreEqual(linalg.cholesky(_positive), [2, 2], 2, 0, 1, 2);
        (Tensor factor, Tensor info) = linalg.cholesky_ex(_positive);
        TensorAssert.AreEqual(factor, [2, 2], 2, 0, 1, 2);
        Assert.AreEqual(0, info.ToInt32());
        Assert.AreEqual(2, linalg.cholesky_ex(tensor([1.0, 0, 0, -1], [2, 2])).Item2.ToInt32());
        Assert.ThrowsExactly<ExternalException>(() => linalg.cholesky(-_positive));
    }

    [TestMethod]
    public void Inverses_PositiveMatrix_MultiplyToTheIdentity()
    {
        manual_seed(4);
        Tensor x = randn(20, 8, ScalarType.Float64);
        Tensor gram = x.t().matmul(x);
        Tensor lower = linalg.cholesky(gram);
        Tensor[] inverses =
        [
            lower.cholesky_inverse(), cholesky_inverse(lower), linalg.cholesky(gram).t().cholesky_inverse(true),
            linalg.inv(gram), gram.inverse(), linalg.solve(gram, eye(8, dtype: ScalarType.Float64)),
        ];
        foreach (Tensor inverse in inverses)
            Assert.IsTrue(gram.matmul(inverse).allclose(eye(8, dtype: ScalarType.Float64), atol: 1e-10));
    }

    [TestMethod]
    public void Triangular_Solve_AgreesWithHandComputation()
    {
        Tensor lower = linalg.cholesky(_positive);
        Tensor right = tensor([4.0, 6], [2, 1]);
        TensorAssert.AreEqual(linalg.solve_triangular(lower, right, false), [2, 1], 2, 2);
        Tensor target = zeros([2, 1], ScalarType.Float64);
        Assert.AreNotSame(target, linalg.solve_triangular(lower.t(), right, true, @out: target));
        TensorAssert.AreEqual(target, [2, 1], 0.5, 3);
    }

    [TestMethod]
    public void Decompositions_OfAMatrix_RebuildIt()
    {
        (Tensor values, Tensor vectors) = linalg.eigh(_positive);
        Assert.IsTrue(allclose(_positive, vectors.matmul(values.diag()).matmul(vectors.t())));
        Tensor wide = tensor([1.0, 2, 3, 4, 5, 6], [2, 3]);
        (Tensor left, Tensor singular, Tensor right) = linalg.svd(wide, false);
        Assert.IsTrue(allclose(wide, left.matmul(singular.diag()).matmul(right)));
        CollectionAssert.AreEqual(new long[] { 3, 3 }, linalg.svd(wide).Item3.shape);
    }

    [TestMethod]
    public void Norms_OfAMatrix_AgreeWithHandComputation()
    {
        TensorAssert.IsScalar(linalg.norm(_positive), 7);
        TensorAssert.AreEqual(linalg.norm(_positive, [1]), Math.Sqrt(20), Math.Sqrt(29));
        TensorAssert.AreEqual(linalg.norm(_positive, 1.0, [1]), 6, 7);
        TensorAssert.IsScalar(linalg.norm(_positive, "fro"), 7);
        TensorAssert.IsScalar(linalg.vector_norm(_positive), 7);
        TensorAssert.AreEqual(linalg.vector_norm(_positive, 1, [0], true), [1, 2], 6, 7);
    }

    [TestMethod]
    public void Matmul_LargeMatrices_RunsOnAnOptimisedBlas()
    {
        Tensor a = rand(1024, 1024);
        a.matmul(a);
        var best = TimeSpan.MaxValue;
        for (int i = 0; i < 3; i++)
        {
            var watch = Stopwatch.StartNew();
            a.matmul(a);
            best = watch.Elapsed < best ? watch.Elapsed : best;
        }
        // The reference BLAS takes several seconds; OpenBLAS a few hundredths of one.
        Assert.IsLessThan(1.0, best.TotalSeconds);
    }

    [TestMethod]
    [DoNotParallelize]
    public void Threads_Set_AreReadBackAndDoNotChangeResults()
    {
        int before = get_num_threads();
        Tensor a = rand(128, 128, ScalarType.Float64);
        Tensor expected = a.matmul(a);
        try
        {
            set_num_threads(1);
            Assert.AreEqual(1, get_num_threads());
            Assert.IsTrue(a.matmul(a).allclose(expected));
        }
        finally
        {
            set_num_threads(before);
        }
    }
}
