using Microsoft.ML.Data;

namespace ML.Pruning.Tests.StandIns;

[TestClass]
public sealed class DataViewVBufferTests
{
    private static VBuffer<float> Sparse() => new(6, 3, [1, 2, 3], [0, 2, 5]);

    [TestMethod]
    public void DenseValues_SparseBuffer_FillsWithDefaults()
    {
        VBuffer<float> buffer = Sparse();

        float[] expected = [1, 0, 2, 0, 0, 3];
        CollectionAssert.AreEqual(expected, buffer.DenseValues().ToArray());
        CollectionAssert.AreEqual(expected, Enumerable.Range(0, 6).Select(i => buffer.GetItemOrDefault(i)).ToArray());
        CollectionAssert.AreEqual(expected, buffer.Items(all: true).Select(p => p.Value).ToArray());
        CollectionAssert.AreEqual(new[] { 0, 2, 5 }, buffer.Items().Select(p => p.Key).ToArray());
        Assert.AreEqual("Sparse vector of size 6, 3 explicit values", buffer.ToString());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => buffer.GetItemOrDefault(6));
    }

    [TestMethod]
    public void CopyTo_Range_ShiftsTheIndices()
    {
        VBuffer<float> part = default;
        Sparse().CopyTo(ref part, 1, 5);

        Assert.AreEqual(5, part.Length);
        CollectionAssert.AreEqual(new[] { 1, 4 }, part.GetIndices().ToArray());
        CollectionAssert.AreEqual(new float[] { 2, 3 }, part.GetValues().ToArray());

        Sparse().CopyTo(ref part, 2, 1);
        Assert.IsTrue(part.IsDense);
        CollectionAssert.AreEqual(new float[] { 2 }, part.GetValues().ToArray());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Sparse().CopyTo(ref part, 3, 4));
    }

    [TestMethod]
    public void CopyTo_SpanWithDefaultValue_FillsTheGaps()
    {
        float[] target = [9, 9, 9, 9, 9, 9, 9, 9];
        Sparse().CopyTo(target, 1, -1);

        CollectionAssert.AreEqual(new float[] { 9, 1, -1, 2, -1, -1, 3, 9 }, target);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Sparse().CopyTo(new float[5]));
    }

    [TestMethod]
    public void CopyToDense_BigEnoughDestination_ReusesItsArray()
    {
        var array = new float[8];
        var destination = new VBuffer<float>(8, array);
        Sparse().CopyToDense(ref destination);

        Assert.IsTrue(destination.IsDense);
        Assert.AreEqual(6, destination.Length);
        Assert.AreEqual(3f, array[5]);
    }

    [TestMethod]
    public void Editor_SparseThenTruncated_CommitsWhatWasWritten()
    {
        VBuffer<int> buffer = default;
        VBufferEditor<int> editor = VBufferEditor.Create(ref buffer, 10, 4);
        Assert.IsTrue(editor.CreatedNewValues);
        Assert.IsTrue(editor.CreatedNewIndices);
        editor.Values[0] = 5;
        editor.Indices[0] = 7;
        buffer = editor.CommitTruncated(1);

        Assert.AreEqual(10, buffer.Length);
        Assert.AreEqual(5, buffer.GetItemOrDefault(7));
        Assert.AreEqual(5, buffer.DenseValues().Sum());
        VBufferEditor<int> again = VBufferEditor.CreateFromBuffer(ref buffer);
        Assert.AreEqual(1, again.Values.Length);
        Assert.IsFalse(again.CreatedNewValues);
    }

    [TestMethod]
    public void Editor_KeepOldOnResize_PreservesTheValues()
    {
        var buffer = new VBuffer<int>(2, [1, 2]);
        VBufferEditor<int> editor = VBufferEditor.Create(ref buffer, 3, keepOldOnResize: true);
        editor.Values[2] = 3;

        CollectionAssert.AreEqual(new[] { 1, 2, 3 }, editor.Commit().GetValues().ToArray());
    }

    [TestMethod]
    public void Constructor_ArraysTooShort_Throws()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new VBuffer<int>(3, new int[2]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new VBuffer<int>(3, 2, new int[2], new int[1]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new VBuffer<int>(3, 4, new int[4], new int[4]));
        Assert.AreEqual(0, new VBuffer<int>(0, null).GetValues().Length);
    }
}
