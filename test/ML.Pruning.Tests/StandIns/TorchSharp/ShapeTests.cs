using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.StandIns.TorchSharp;

[TestClass]
public sealed class ShapeTests
{
    private DisposeScope _scope = null!;
    private Tensor _matrix = null!;

    [TestInitialize]
    public void Open()
    {
        _scope = NewDisposeScope();
        _matrix = arange(6, ScalarType.Float32).reshape(2, 3);
    }

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    public void Views_OfAMatrix_ShareItsMemory()
    {
        Tensor[] views =
        [
            _matrix.view(-1), _matrix.t(), _matrix.transpose(0, 1), _matrix.permute(1, 0), _matrix.unsqueeze(0),
            _matrix.select(0, 0), _matrix.narrow(1, 0, 2), _matrix.slice(1, 0, 3, 2), _matrix.diagonal(),
            _matrix.expand(4, 2, 3), _matrix.alias(), _matrix.detach(), _matrix.view_as(zeros(3, 2)),
            _matrix.unflatten(1, 3, 1), _matrix.chunk(2)[0], _matrix.split(1)[0], _matrix.unbind()[0],
        ];
        _matrix[0, 0] = 42;
        foreach (Tensor view in views)
            Assert.AreEqual(42, view.max().ToDouble());
        Assert.AreEqual(0, _matrix.clone().mul_(0).max().ToDouble());
        Assert.AreEqual(42, _matrix.max().ToDouble());
    }

    [TestMethod]
    public void Reshaping_Matrix_GivesShapesAndOrder()
    {
        TensorAssert.AreEqual(_matrix.reshape(3, 2), [3, 2], 0, 1, 2, 3, 4, 5);
        TensorAssert.AreEqual(_matrix.t(), [3, 2], 0, 3, 1, 4, 2, 5);
        TensorAssert.AreEqual(_matrix.transpose(-1, -2), [3, 2], 0, 3, 1, 4, 2, 5);
        TensorAssert.AreEqual(_matrix.flatten(), 0, 1, 2, 3, 4, 5);
        TensorAssert.AreEqual(flatten(_matrix), 0, 1, 2, 3, 4, 5);
        TensorAssert.AreEqual(_matrix.unsqueeze(1), [2, 1, 3], 0, 1, 2, 3, 4, 5);
        TensorAssert.AreEqual(unsqueeze(_matrix, 0).squeeze(), [2, 3], 0, 1, 2, 3, 4, 5);
        CollectionAssert.AreEqual(new long[] { 1, 2, 3 }, zeros(1, 2, 1, 3).squeeze(2).shape);
        CollectionAssert.AreEqual(new long[] { 2, 3 }, squeeze(zeros(1, 2, 3)).shape);
        TensorAssert.AreEqual(_matrix.flip(1), [2, 3], 2, 1, 0, 5, 4, 3);
        TensorAssert.AreEqual(_matrix.roll(1, 1), [2, 3], 2, 0, 1, 5, 3, 4);
        TensorAssert.AreEqual(_matrix.roll(1), [2, 3], 5, 0, 1, 2, 3, 4);
    }

    [TestMethod]
    public void Repeating_Row_CopiesIt()
    {
        Tensor row = tensor([1.0, 2]);
        double[] twice = [1, 2, 1, 2];
        TensorAssert.AreEqual(row.expand(2, 2), [2, 2], twice);
        TensorAssert.AreEqual(row.expand([2, -1]), [2, 2], twice);
        TensorAssert.AreEqual(row.expand_as(zeros(2, 2)), [2, 2], twice);
        TensorAssert.AreEqual(row.broadcast_to(2, 2), [2, 2], twice);
        TensorAssert.AreEqual(row.repeat(2, 1), [2, 2], twice);
        TensorAssert.AreEqual(row.repeat_interleave(2), 1, 1, 2, 2);
        TensorAssert.AreEqual(row.unsqueeze(0).repeat_interleave(2, 0), [2, 2], twice);
    }

    [TestMethod]
    public void Parts_OfAMatrix_CoverIt()
    {
        TensorAssert.AreEqual(_matrix.chunk(2, 1)[1], [2, 1], 2, 5);
        TensorAssert.AreEqual(chunk(_matrix, 2, 1)[0], [2, 2], 0, 1, 3, 4);
        TensorAssert.AreEqual(_matrix.split(2, 1)[1], [2, 1], 2, 5);
        TensorAssert.AreEqual(_matrix.split([1, 2], 1)[1], [2, 2], 1, 2, 4, 5);
        TensorAssert.AreEqual(split(_matrix, [1, 2], 1)[0], [2, 1], 0, 3);
        Assert.HasCount(3, _matrix.unbind(1));
        TensorAssert.AreEqual(cat([_matrix, _matrix[TensorIndex.Slice(0, 1)]]), [3, 3], 0, 1, 2, 3, 4, 5, 0, 1, 2);
        TensorAssert.AreEqual(stack([_matrix[0], _matrix[1]], 1), [3, 2], 0, 3, 1, 4, 2, 5);
        Assert.HasCount(2000, zeros(2000, 1).unbind());
    }

    [TestMethod]
    public void Triangles_OfAMatrix_ZeroTheRest()
    {
        Tensor square = arange(1, 5).reshape(2, 2);
        TensorAssert.AreEqual(square.triu(), [2, 2], 1, 2, 0, 4);
        TensorAssert.AreEqual(square.tril(), [2, 2], 1, 0, 3, 4);
        TensorAssert.AreEqual(triu(square, 1), [2, 2], 0, 2, 0, 0);
        TensorAssert.AreEqual(tril(square, -1), [2, 2], 0, 0, 3, 0);
        TensorAssert.AreEqual(square.diag(), 1, 4);
        TensorAssert.AreEqual(diag(tensor([1L, 4])), [2, 2], 1, 0, 0, 4);
        TensorAssert.AreEqual(square.diagonal(1), 2);
        TensorAssert.AreEqual(diagonal(square), 1, 4);
        TensorAssert.AreEqual(tensor([1L, 4]).diag_embed(), [2, 2], 1, 0, 0, 4);
        TensorAssert.IsScalar(square.trace(), 5);
        TensorAssert.IsScalar(trace(square), 5);
    }
}
