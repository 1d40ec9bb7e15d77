using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Tests.StandIns;

[TestClass]
public sealed class CacheAndShuffleTests
{
    private readonly MLContext _ml = new(1);

    private int _enumerations;

    private IEnumerable<Review> CountedRows(int count)
    {
        _enumerations++;
        foreach (Review row in Review.Many(count)) yield return row;
    }

    [TestMethod]
    public void Cache_ReadTwice_EnumeratesTheSourceOncePerColumn()
    {
        IDataView cached = _ml.Data.Cache(_ml.Data.LoadFromEnumerable(CountedRows(100)));
        Assert.AreEqual(0, _enumerations);
        float[] first = Pipelines.Ids(cached);
        CollectionAssert.AreEqual(first, Pipelines.Ids(cached));
        Assert.AreEqual(1, _enumerations);
        Assert.AreEqual(100, cached.GetRowCount());
        Assert.AreEqual("t99", cached.GetColumn<string>("Text").Last());
        Assert.AreEqual(2, _enumerations);
        CollectionAssert.AreEqual(new[] { 5f, 10, 15 }, cached.GetColumn<float[]>("Features").ElementAt(5));
        Assert.AreEqual(3, _enumerations);
    }

    [TestMethod]
    public void Cache_Prefetch_ComesWithTheFirstPass()
    {
        IDataView cached = _ml.Data.Cache(_ml.Data.LoadFromEnumerable(CountedRows(10)), "Text", "Id");
        Pipelines.Ids(cached);
        Assert.AreEqual("t9", cached.GetColumn<string>("Text").Last());
        Assert.AreEqual(1, _enumerations);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            _ml.Data.Cache(_ml.Data.LoadFromEnumerable(CountedRows(10)), "Nope"));
    }

    [TestMethod]
    [DataRow(0, 3)]
    [DataRow(10, 3)]
    [DataRow(64, 2)]
    [DataRow(1000, 3)]
    public void Cache_CursorSet_PartitionsTheRows(int rows, int asked)
    {
        IDataView cached = _ml.Data.Cache(_ml.Data.LoadFromEnumerable(Review.Many(rows)));
        DataViewSchema.Column id = cached.Schema["Id"];
        DataViewRowCursor[] cursors = cached.GetRowCursorSet([id], asked);
        Assert.HasCount(asked, cursors);
        var seen = new List<(long Batch, float Id)>();
        foreach (DataViewRowCursor cursor in cursors)
        {
            ValueGetter<float> getter = cursor.GetGetter<float>(id);
            ValueGetter<DataViewRowId> idGetter = cursor.GetIdGetter();
            DataViewRowId rowId = default;
            float value = 0;
            while (cursor.MoveNext())
            {
                getter(ref value);
                idGetter(ref rowId);
                Assert.AreEqual((ulong)value, rowId.Low);
                seen.Add((cursor.Batch, value));
            }
        }
        CollectionAssert.AreEqual(Review.Many(rows).Select(r => r.Id).ToArray(),
            seen.OrderBy(s => s.Batch).Select(s => s.Id).ToArray());
    }

    [TestMethod]
    public void CacheAndShuffle_StructuredColumn_IsDropped()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new GadgetRow { Gadget = new Gadget("g"), Id = 3 }]);
        IDataView mixed = _ml.Transforms.CopyColumns("Copy", "Id").Fit(data).Transform(data);
        foreach (IDataView view in new[] { _ml.Data.Cache(mixed), _ml.Data.ShuffleRows(mixed) })
        {
            CollectionAssert.AreEqual(new[] { "Id", "Copy" }, view.Schema.Select(c => c.Name).ToArray());
            CollectionAssert.AreEqual(new[] { 3f }, view.GetColumn<float>("Copy").ToArray());
        }
    }

    [TestMethod]
    public void AppendCacheCheckpoint_AfterAStructuredColumn_HidesItFromTheNextFit()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new GadgetRow { Gadget = new Gadget("g") }]);
        var chain = _ml.Transforms.CopyColumns("Other", "Gadget").AppendCacheCheckpoint(_ml)
            .Append(_ml.Transforms.CopyColumns("Third", "Other"));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => chain.Fit(data));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(7)]
    [DataRow(1000)]
    public void ShuffleRows_AnyPool_IsAPermutationFixedBySeed(int pool)
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(200));
        IDataView shuffled = _ml.Data.ShuffleRows(data, seed: 3, shufflePoolSize: pool);
        float[] ids = Pipelines.Ids(shuffled);
        CollectionAssert.AreEquivalent(Pipelines.Ids(data), ids);
        CollectionAssert.AreEqual(ids, Pipelines.Ids(shuffled));
        CollectionAssert.AreEqual(ids, Pipelines.Ids(_ml.Data.ShuffleRows(data, 3, pool)));
        if (pool == 1) return;
        CollectionAssert.AreNotEqual(Pipelines.Ids(data), ids);
        CollectionAssert.AreNotEqual(ids, Pipelines.Ids(_ml.Data.ShuffleRows(data, 4, pool)));
    }

    [TestMethod]
    public void ShuffleRows_RowsStayWhole()
    {
        IDataView shuffled = _ml.Data.ShuffleRows(_ml.Data.LoadFromEnumerable(Review.Many(50)), seed: 5);
        foreach (Review row in _ml.Data.CreateEnumerable<Review>(shuffled, reuseRowObject: false))
        {
            Assert.AreEqual($"t{row.Id}", row.Text);
            Assert.AreEqual(3 * row.Id, row.Features[2]);
        }
    }

    [TestMethod]
    public void ShuffleRows_NoSeed_FollowsTheContext()
    {
        static float[] Order(int seed)
        {
            var ml = new MLContext(seed);
            return Pipelines.Ids(ml.Data.ShuffleRows(ml.Data.LoadFromEnumerable(Review.Many(50))));
        }
        CollectionAssert.AreEqual(Order(1), Order(1));
        CollectionAssert.AreNotEqual(Order(1), Order(2));
    }
}
