using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Tests.StandIns;

[TestClass]
public sealed class CursorTests
{
    private readonly MLContext _ml = new(1);

    /// <summary>Counts how often each of its columns is read.</summary>
    private sealed class Counting
    {
        public static int IdReads;
        public static int TextReads;

        public float Id
        {
            get
            {
                IdReads++;
                return 1;
            }
        }

        public string Text
        {
            get
            {
                TextReads++;
                return "x";
            }
        }
    }

    [TestMethod]
    [DoNotParallelize]
    public void Transform_OnlyPulledColumns_AreComputed()
    {
        Counting.IdReads = Counting.TextReads = 0;
        IDataView data = _ml.Data.LoadFromEnumerable([new Counting(), new Counting()]);
        IDataView result = _ml.Transforms.CopyColumns("Copy", "Id").Fit(data).Transform(data);
        Assert.AreEqual(0, Counting.IdReads);
        Assert.AreEqual(2, result.GetColumn<string>("Text").Count());
        Assert.AreEqual(0, Counting.IdReads);
        Assert.AreEqual(2, Counting.TextReads);
        Assert.AreEqual(2, result.GetColumn<float>("Copy").Count());
        Assert.AreEqual(2, Counting.IdReads);
        Assert.AreEqual(2, Counting.TextReads);
    }

    [TestMethod]
    public void GetRowCursor_InactiveOrWronglyTypedColumn_IsRefused()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(2));
        IDataView result = _ml.Transforms.CopyColumns("Copy", "Id").Fit(data).Transform(data);
        using DataViewRowCursor cursor = result.GetRowCursor([result.Schema["Copy"]]);
        Assert.IsTrue(cursor.IsColumnActive(result.Schema["Copy"]));
        Assert.IsFalse(cursor.IsColumnActive(result.Schema["Text"]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            cursor.GetGetter<ReadOnlyMemory<char>>(result.Schema["Text"]));
        Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<double>(result.Schema["Copy"]));
    }

    [TestMethod]
    public void Getter_BeforeTheFirstRow_Throws()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(2));
        using DataViewRowCursor cursor = data.GetRowCursor(data.Schema);
        ValueGetter<float> getter = cursor.GetGetter<float>(data.Schema["Id"]);
        float value = 0;
        Assert.AreEqual(-1, cursor.Position);
        Assert.Throws<Exception>(() => getter(ref value)); // of which kind, nobody promises
        Assert.IsTrue(cursor.MoveNext());
        getter(ref value);
        Assert.AreEqual(0, cursor.Position);
    }

    [TestMethod]
    public void GetRowCursor_TwoAtOnce_DoNotDisturbEachOther()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(3));
        IDataView result = _ml.Transforms.Concatenate("All", "Id", "Features").Fit(data).Transform(data);
        DataViewSchema.Column column = result.Schema["All"];
        using DataViewRowCursor a = result.GetRowCursor([column]);
        using DataViewRowCursor b = result.GetRowCursor([column]);
        ValueGetter<VBuffer<float>> getA = a.GetGetter<VBuffer<float>>(column);
        ValueGetter<VBuffer<float>> getB = b.GetGetter<VBuffer<float>>(column);
        VBuffer<float> valueA = default;
        VBuffer<float> valueB = default;
        a.MoveNext();
        a.MoveNext();
        b.MoveNext();
        getA(ref valueA);
        getB(ref valueB);
        Assert.AreEqual(1f, valueA.GetItemOrDefault(0));
        Assert.AreEqual(0f, valueB.GetItemOrDefault(0));
    }

    [TestMethod]
    [DataRow(1, 3)]
    [DataRow(2, 3)]
    [DataRow(8, 5)]
    [DataRow(20, 5)]
    public void SkipTake_Rows_AreTheMiddleOnes(int skip, int take)
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(10));
        IDataView part = _ml.Data.TakeRows(_ml.Data.SkipRows(data, skip), take);
        float[] expected = [.. Review.Many(10).Skip(skip).Take(take).Select(r => r.Id)];
        CollectionAssert.AreEqual(expected, Pipelines.Ids(part));
        Assert.AreEqual(expected.Length, part.GetRowCount());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.TakeRows(data, 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.SkipRows(data, 0));
    }

    [TestMethod]
    public void GetRowCount_Enumerable_IsKnownOnlyForCollections()
    {
        Assert.AreEqual(4, _ml.Data.LoadFromEnumerable(Review.Many(4)).GetRowCount());
        Assert.IsNull(_ml.Data.LoadFromEnumerable(Review.Many(4).Where(_ => true)).GetRowCount());
    }
}
