using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.StandIns.TorchSharp;

[TestClass]
public sealed class IndexingTests
{
    private DisposeScope _scope = null!;
    private Tensor _cube = null!;

    [TestInitialize]
    public void Open()
    {
        _scope = NewDisposeScope();
        _cube = arange(24).reshape(2, 3, 4);
    }

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    public void Get_BasicIndices_SelectsAndSlices()
    {
        TensorAssert.IsScalar(_cube[1, 2, 3], 23);
        TensorAssert.AreEqual(_cube[1, -1], 20, 21, 22, 23);
        TensorAssert.AreEqual(_cube[0], [3, 4], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
        TensorAssert.AreEqual(_cube[TensorIndex.Single(0), 1.., TensorIndex.Slice(null, null, 2)],
            [2, 2], 4, 6, 8, 10);
        TensorAssert.AreEqual(_cube[TensorIndex.Ellipsis, 0], [2, 3], 0, 4, 8, 12, 16, 20);
        TensorAssert.AreEqual(_cube[1, TensorIndex.Ellipsis, 0], 12, 16, 20);
        TensorAssert.AreEqual(_cube[TensorIndex.Colon, 0, 0], 0, 12);
        TensorAssert.AreEqual(_cube[0, 0, ^2..], 2, 3);
        TensorAssert.AreEqual(_cube[0, 0, ..^1], 0, 1, 2);
        CollectionAssert.AreEqual(new long[] { 1, 2, 3, 4 }, _cube[TensorIndex.None].shape);
        CollectionAssert.AreEqual(new long[] { 2, 1, 3, 4 }, _cube[TensorIndex.Colon, TensorIndex.Null].shape);
        TensorAssert.AreEqual(_cube.index(TensorIndex.Single(0), TensorIndex.Single(0)), 0, 1, 2, 3);
        Assert.ThrowsExactly<ExternalException>(() => _cube[0, 0, 0, TensorIndex.Single(0)]);
    }

    [TestMethod]
    public void Get_IndexTensors_PicksRowsAndMasks()
    {
        Tensor rows = tensor([1L, 0]);
        Tensor matrix = _cube[0];
        TensorAssert.AreEqual(matrix[rows], [2, 4], 4, 5, 6, 7, 0, 1, 2, 3);
        TensorAssert.AreEqual(matrix[rows, tensor([3L, 2])], 7, 2);
        TensorAssert.AreEqual(matrix.index(rows, tensor([3L, 2])), 7, 2);
        TensorAssert.AreEqual(matrix[TensorIndex.Colon, TensorIndex.Tensor(rows)], [3, 2], 1, 0, 5, 4, 9, 8);
        TensorAssert.AreEqual(_cube[1, TensorIndex.Tensor(rows), 0], 16, 12);
        TensorAssert.AreEqual(_cube[TensorIndex.Tensor(_cube.gt(21))], 22, 23);
        TensorAssert.AreEqual(_cube[TensorIndex.Ellipsis, TensorIndex.Tensor(rows)][1, 2], 21, 20);
        TensorAssert.AreEqual(_cube[TensorIndex.Tensor(_cube[0].eq(5).logical_not().logical_not()
            .unsqueeze(0).expand(2, 3, 4))], 5, 17);
    }

    [TestMethod]
    public void Set_EachKindOfIndex_WritesOnlyThere()
    {
        Tensor t = zeros(2, 3);
        t[0, 1] = 5;
        t[1] = tensor([7f, 8, 9]);
        TensorAssert.AreEqual(t, [2, 3], 0, 5, 0, 7, 8, 9);
        t[TensorIndex.Colon, 0] = -1;
        TensorAssert.AreEqual(t, [2, 3], -1, 5, 0, -1, 8, 9);
        t[t.lt(0)] = 0;
        TensorAssert.AreEqual(t, [2, 3], 0, 5, 0, 0, 8, 9);
        t[TensorIndex.Single(1), TensorIndex.Tensor(tensor([0L, 2]))] = tensor([3f, 4]);
        TensorAssert.AreEqual(t, [2, 3], 0, 5, 0, 3, 8, 4);
        Assert.AreSame(t, t.index_put_(tensor([1f]), tensor([0L]), tensor([0L])));
        Assert.AreSame(t, t.index_put_(tensor(2f), TensorIndex.Single(0), TensorIndex.Single(2)));
        TensorAssert.AreEqual(t, [2, 3], 1, 5, 2, 3, 8, 4);
        Tensor cube = zeros(1, 1, 2);
        cube[0, 0, 1] = 6;
        TensorAssert.AreEqual(cube, [1, 1, 2], 0, 6);
    }

    [TestMethod]
    public void Selections_ByIndex_AgreeWithHandComputation()
    {
        Tensor t = tensor([1.0, 2, 3, 4, 5, 6], [2, 3]);
        Tensor index = tensor([2L, 0, 1, 1], [2, 2]);
        TensorAssert.AreEqual(t.gather(1, index), [2, 2], 3, 1, 5, 5);
        TensorAssert.AreEqual(gather(t, 1, index), [2, 2], 3, 1, 5, 5);
        TensorAssert.AreEqual(t.index_select(1, tensor([2L])), [2, 1], 3, 6);
        TensorAssert.AreEqual(index_select(t, 0, tensor([1L])), [1, 3], 4, 5, 6);
        TensorAssert.AreEqual(t.masked_select(t.gt(4)), 5, 6);
        TensorAssert.AreEqual(masked_select(t, t.gt(4)), 5, 6);
        TensorAssert.AreEqual(t.masked_fill(t.gt(4), 0), [2, 3], 1, 2, 3, 4, 0, 0);
        TensorAssert.AreEqual(t.take(tensor([5L, 0])), 6, 1);
        TensorAssert.AreEqual(t.where(t.gt(2), tensor(0.0)), [2, 3], 0, 0, 3, 4, 5, 6);
        TensorAssert.AreEqual(where(t.gt(2), tensor(1.0), tensor(0.0)), [2, 3], 0, 0, 1, 1, 1, 1);
        TensorAssert.AreEqual(zeros(1, 3).scatter(1, tensor([2L], [1, 1]), ones(1, 1)), [1, 3], 0, 0, 1);
    }

    [TestMethod]
    public void InPlaceSelections_ReturnTheSameObject()
    {
        Tensor index = tensor([2L, 0]);
        Tensor values = tensor([5.0, 6]);
        (Func<Tensor, Tensor> Operation, double[] Expected)[] cases =
        [
            (t => t.index_copy_(0, index, values), [6, 2, 5]), (t => t.index_add_(0, index, values, 2), [13, 2, 13]),
            (t => t.index_fill_(0, index, 9), [9, 2, 9]), (t => t.scatter_(0, index, values), [6, 2, 5]),
            (t => t.scatter_add_(0, index, values), [7, 2, 8]), (t => t.masked_fill_(t.gt(1), 0), [1, 0, 0]),
            (t => t.masked_scatter_(t.gt(1), values), [1, 5, 6]),
        ];
        foreach ((Func<Tensor, Tensor> operation, double[] expected) in cases)
        {
            Tensor target = tensor([1.0, 2, 3]);
            Assert.AreSame(target, operation(target));
            TensorAssert.AreEqual(target, expected);
        }
    }
}
