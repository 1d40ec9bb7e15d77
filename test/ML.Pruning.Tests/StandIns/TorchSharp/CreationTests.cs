using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.StandIns.TorchSharp;

[TestClass]
public sealed class CreationTests
{
    private DisposeScope _scope = null!;

    [TestInitialize]
    public void Open() => _scope = NewDisposeScope();

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    public void Filled_EachShapeOverload_HasShapeTypeAndValue()
    {
        foreach (Tensor t in new[] { zeros(24), zeros(4, 6), zeros(2, 3, 4), zeros(1, 2, 3, 4), zeros([2, 12]) })
            Check(t, 0, ScalarType.Float32);
        foreach (Tensor t in new[] { ones(24), ones(4, 6), ones(2, 3, 4), ones(1, 2, 3, 4), ones([2, 12]) })
            Check(t, 1, ScalarType.Float32);
        foreach (Tensor t in new[] { full(24, 3), full(4, 6, 3), full(2, 3, 4, 3), full([2, 12], 3) })
            Check(t, 3, ScalarType.Int64);
        Check(full([24], 2.5), 2.5, ScalarType.Float32);
        Assert.IsTrue(zeros([2, 12], requires_grad: true).requires_grad);

        static void Check(Tensor t, double value, ScalarType type)
        {
            Assert.AreEqual(24, t.numel());
            Assert.AreEqual(type, t.dtype);
            Assert.AreEqual(24 * value, t.sum().ToDouble());
            Assert.IsFalse(t.requires_grad);
        }
    }

    [TestMethod]
    public void Empty_EachShapeOverload_HasTheShape()
    {
        CollectionAssert.AreEqual(new long[] { 5 }, empty(5).shape);
        CollectionAssert.AreEqual(new long[] { 5, 2 }, empty(5, 2).shape);
        CollectionAssert.AreEqual(new long[] { 5, 2, 3 }, empty(5, 2, 3).shape);
        CollectionAssert.AreEqual(new long[] { 5, 2, 3, 1 }, empty(5, 2, 3, 1).shape);
        CollectionAssert.AreEqual(new long[] { 0, 2 }, empty([0, 2], ScalarType.Int8).shape);
    }

    [TestMethod]
    public void Like_AnyTensor_TakesShapeAndType()
    {
        Tensor model = arange(6).reshape(2, 3);
        TensorAssert.AreEqual(zeros_like(model), [2, 3], 0, 0, 0, 0, 0, 0);
        TensorAssert.AreEqual(ones_like(model), [2, 3], 1, 1, 1, 1, 1, 1);
        TensorAssert.AreEqual(full_like(model, 7), [2, 3], 7, 7, 7, 7, 7, 7);
        TensorAssert.AreEqual(model.zeros_like(), [2, 3], 0, 0, 0, 0, 0, 0);
        TensorAssert.AreEqual(model.ones_like(), [2, 3], 1, 1, 1, 1, 1, 1);
        TensorAssert.AreEqual(model.full_like(7), [2, 3], 7, 7, 7, 7, 7, 7);
        TensorAssert.AreEqual(model.new_zeros([2]), 0, 0);
        Assert.AreEqual(ScalarType.Int64, zeros_like(model).dtype);
        Assert.AreEqual(ScalarType.Float64, zeros_like(model, ScalarType.Float64).dtype);
        foreach (Tensor t in new[] { empty_like(model), model.empty_like(), model.new_empty([2, 3]) })
        {
            CollectionAssert.AreEqual(model.shape, t.shape);
            Assert.AreEqual(ScalarType.Int64, t.dtype);
        }
    }

    [TestMethod]
    public void Ranges_ByTypeOfArguments_PickTheirType()
    {
        TensorAssert.AreEqual(arange(4), 0, 1, 2, 3);
        TensorAssert.AreEqual(arange(1, 4), 1, 2, 3);
        TensorAssert.AreEqual(arange(0, 1, 0.25), 0, 0.25, 0.5, 0.75);
        TensorAssert.AreEqual(linspace(0, 1, 3), 0, 0.5, 1);
        TensorAssert.AreEqual(eye(2), [2, 2], 1, 0, 0, 1);
        TensorAssert.AreEqual(eye(1, 2), [1, 2], 1, 0);
        Assert.AreEqual(ScalarType.Int64, arange(4).dtype);
        Assert.AreEqual(ScalarType.Float32, arange(0, 1, 0.25).dtype);
        Assert.AreEqual(ScalarType.Float32, arange(4, ScalarType.Float32).dtype);
    }

    [TestMethod]
    public void Tensor_FromArrays_KeepsValuesShapeAndType()
    {
        Check(tensor([1f, 2]), tensor([1f, 2, 3, 4], [2, 2]), tensor(new float[,] { { 1, 2 }, { 3, 4 } }),
            tensor((IList<float>)[1, 2]), tensor((IList<float>)[1, 2, 3, 4], 2, 2),
            tensor((IList<float>)[1, 2, 3, 4], 1, 2, 2), ScalarType.Float32);
        Check(tensor([1d, 2]), tensor([1d, 2, 3, 4], [2, 2]), tensor(new double[,] { { 1, 2 }, { 3, 4 } }),
            tensor((IList<double>)[1, 2]), tensor((IList<double>)[1, 2, 3, 4], 2, 2),
            tensor((IList<double>)[1, 2, 3, 4], 1, 2, 2), ScalarType.Float64);
        Check(tensor([1L, 2]), tensor([1L, 2, 3, 4], [2, 2]), tensor(new long[,] { { 1, 2 }, { 3, 4 } }),
            tensor((IList<long>)[1, 2]), tensor((IList<long>)[1, 2, 3, 4], 2, 2),
            tensor((IList<long>)[1, 2, 3, 4], 1, 2, 2), ScalarType.Int64);
        Check(tensor([1, 2]), tensor([1, 2, 3, 4], [2, 2]), tensor(new int[,] { { 1, 2 }, { 3, 4 } }),
            tensor((IList<int>)[1, 2]), tensor((IList<int>)[1, 2, 3, 4], 2, 2),
            tensor((IList<int>)[1, 2, 3, 4], 1, 2, 2), ScalarType.Int32);
        TensorAssert.AreEqual(tensor(new byte[] { 1, 255 }), 1, 255);
        TensorAssert.AreEqual(tensor(new byte[] { 1, 255 }, [2, 1]), [2, 1], 1, 255);
        TensorAssert.AreEqual(tensor([(Half)1.5f]), 1.5);
        TensorAssert.AreEqual(tensor([(Half)1.5f], [1, 1]), [1, 1], 1.5);

        static void Check(
            Tensor vector, Tensor matrix, Tensor array, Tensor list, Tensor listMatrix, Tensor cube, ScalarType type)
        {
            TensorAssert.AreEqual(vector, 1, 2);
            TensorAssert.AreEqual(list, 1, 2);
            TensorAssert.AreEqual(matrix, [2, 2], 1, 2, 3, 4);
            TensorAssert.AreEqual(array, [2, 2], 1, 2, 3, 4);
            TensorAssert.AreEqual(listMatrix, [2, 2], 1, 2, 3, 4);
            TensorAssert.AreEqual(cube, [1, 2, 2], 1, 2, 3, 4);
            foreach (Tensor t in new[] { vector, matrix, array, list, listMatrix, cube })
                Assert.AreEqual(type, t.dtype);
        }
    }

    [TestMethod]
    public void Tensor_FromBools_KeepsValuesAndShape()
    {
        Tensor[] rows =
        [
            tensor([true, false]), tensor([true, false], [2]), tensor((IList<bool>)[true, false]),
            tensor(new bool[,] { { true, false } })[0], tensor((IList<bool>)[true, false], 1, 2)[0],
            tensor((IList<bool>)[true, false], 1, 1, 2)[0, 0],
        ];
        foreach (Tensor row in rows)
        {
            Assert.AreEqual(ScalarType.Bool, row.dtype);
            CollectionAssert.AreEqual(new[] { true, false }, row.data<bool>().ToArray());
        }
    }

    [TestMethod]
    public void Tensor_FromNumbers_HasNoDimension()
    {
        TensorAssert.IsScalar(tensor(1.5f), 1.5);
        TensorAssert.IsScalar(tensor(1.5), 1.5);
        TensorAssert.IsScalar(tensor(3), 3);
        TensorAssert.IsScalar(tensor(3L), 3);
        TensorAssert.IsScalar(tensor(true), 1);
        Assert.AreEqual(ScalarType.Float64, tensor(1.5).dtype);
        Assert.AreEqual(ScalarType.Int32, tensor(3).dtype);
        TensorAssert.AreEqual(tensor([1L, 2], ScalarType.Float16), 1, 2);
    }

    [TestMethod]
    public void Tensor_CountDoesNotFitShape_Throws() =>
        Assert.ThrowsExactly<ArgumentException>(() => tensor([1f, 2, 3], [2, 2]));

    [TestMethod]
    public void DefaultType_Changed_IsUsedAndRestored()
    {
        Assert.AreEqual(ScalarType.Float32, get_default_dtype());
        set_default_dtype(ScalarType.Float64);
        try
        {
            Assert.AreEqual(ScalarType.Float64, zeros(1).dtype);
        }
        finally
        {
            set_default_dtype(ScalarType.Float32);
        }
    }

    [TestMethod]
    public void TypeConstants_Always_NameTheirTypes()
    {
        Assert.AreEqual(ScalarType.Byte, uint8);
        Assert.AreEqual(ScalarType.Int8, int8);
        Assert.AreEqual(ScalarType.Int16, int16);
        Assert.AreEqual(ScalarType.Int32, int32);
        Assert.AreEqual(ScalarType.Int64, int64);
        Assert.AreEqual(ScalarType.Float16, float16);
        Assert.AreEqual(ScalarType.Float32, float32);
        Assert.AreEqual(ScalarType.Float64, float64);
        Assert.AreEqual(ScalarType.BFloat16, bfloat16);
        Assert.AreEqual(ScalarType.Bool, @bool);
        Assert.AreEqual(1, int8.ElementSize());
        Assert.AreEqual(2, bfloat16.ElementSize());
        Assert.AreEqual(4, float32.ElementSize());
        Assert.AreEqual(8, int64.ElementSize());
        Assert.AreEqual(16, ScalarType.ComplexFloat64.ElementSize());
    }
}
