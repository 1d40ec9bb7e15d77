using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Tests.StandIns;

[TestClass]
public sealed class TypedRowTests
{
    private readonly MLContext _ml = new(1);

    private sealed class AllKinds
    {
        public bool Flag { get; set; }

        public long Long { get; set; }

        public double Double;

        [ColumnName("Renamed")]
        public string Name { get; set; } = "";

        public string[] Words { get; set; } = [];

        public VBuffer<float> Sparse { get; set; }

        [KeyType(10)]
        public uint Key { get; set; }

        [NoColumn]
        public object? Ignored { get; set; }

        public DateTime Time { get; set; }
    }

    private sealed class WrongType
    {
        public int Id { get; set; }
    }

    private sealed class Unknown
    {
        public Gadget? Gadget { get; set; }
    }

    [TestMethod]
    public void LoadFromEnumerable_EveryKind_ReadsBackAsWritten()
    {
        var row = new AllKinds
        {
            Flag = true, Long = long.MinValue, Double = Math.PI, Name = "n", Words = ["a", "", "b"],
            Sparse = new VBuffer<float>(5, 1, [7f], [3]), Key = 4, Ignored = 1, Time = DateTime.UnixEpoch,
        };
        IDataView data = _ml.Data.LoadFromEnumerable([row]);
        Assert.AreEqual(new KeyDataViewType(typeof(uint), 10), data.Schema["Key"].Type);
        Assert.AreEqual(new VectorDataViewType(TextDataViewType.Instance), data.Schema["Words"].Type);
        Assert.IsNull(data.Schema.GetColumnOrNull("Ignored"));
        Assert.IsNull(data.Schema.GetColumnOrNull("Name"));
        AllKinds back = _ml.Data.CreateEnumerable<AllKinds>(data, reuseRowObject: false).Single();
        Assert.IsTrue(back.Flag);
        Assert.AreEqual(row.Long, back.Long);
        Assert.AreEqual(row.Double, back.Double);
        Assert.AreEqual("n", back.Name);
        CollectionAssert.AreEqual(row.Words, back.Words);
        CollectionAssert.AreEqual(new[] { 0f, 0, 0, 7, 0 }, back.Sparse.DenseValues().ToArray());
        Assert.AreEqual(5u, back.Key); // a value counts from 0, its key from 1, and nothing turns it back
        Assert.AreEqual(row.Time, back.Time);
    }

    [TestMethod]
    public void CustomStructuredType_ThroughAChain_YieldsTheSameReference()
    {
        var gadget = new Gadget("g");
        GadgetRow[] rows = [new() { Gadget = gadget, Id = 0 }, new() { Gadget = gadget, Id = 1 }];
        IDataView data = _ml.Data.LoadFromEnumerable(rows);
        Assert.IsInstanceOfType<GadgetDataViewType>(data.Schema["Gadget"].Type);
        IDataView copied = _ml.Transforms.CopyColumns("Other", "Gadget").Fit(data).Transform(data);
        Assert.IsTrue(copied.GetColumn<Gadget>("Other").All(g => ReferenceEquals(g, gadget)));
        Assert.IsTrue(_ml.Data.CreateEnumerable<GadgetRow>(copied, false).All(r => ReferenceEquals(r.Gadget, gadget)));
    }

    [TestMethod]
    public void SchemaDefinition_UnregisteredClass_NamesTheMember()
    {
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => SchemaDefinition.Create(typeof(Unknown)));
        StringAssert.Contains(error.Message, "member Gadget");
    }

    [TestMethod]
    public void Register_BuiltInType_IsRefused()
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            DataViewTypeManager.Register(new GadgetDataViewType(), typeof(float)));
    }

    [TestMethod]
    public void CreateEnumerable_WrongMemberType_FailsAtTheCall()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(1));
        var error = Assert.ThrowsExactly<InvalidOperationException>(() =>
            _ml.Data.CreateEnumerable<WrongType>(data, reuseRowObject: false));
        StringAssert.Contains(error.Message, "Can't bind the IDataView column 'Id' of type 'Single'");
    }

    [TestMethod]
    public void CreateEnumerable_MissingColumn_IsIgnoredOnlyOnRequest()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new IdRow { Id = 3 }]);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            _ml.Data.CreateEnumerable<Review>(data, reuseRowObject: false));
        Review row = _ml.Data.CreateEnumerable<Review>(data, false, ignoreMissingColumns: true).Single();
        Assert.AreEqual(3f, row.Id);
        Assert.AreEqual("", row.Text);
    }

    [TestMethod]
    public void CreateEnumerable_ReuseRowObject_YieldsOneObject()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(4));
        Assert.AreEqual(1, _ml.Data.CreateEnumerable<Review>(data, true).Distinct().Count());
        Assert.AreEqual(4, _ml.Data.CreateEnumerable<Review>(data, false).Select(r => r.Features).Distinct().Count());
    }

    [TestMethod]
    public void SchemaDefinition_RunTimeNamesAndTypes_ShapeTheView()
    {
        SchemaDefinition definition = SchemaDefinition.Create(typeof(Review));
        definition["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single);
        definition["Features"].ColumnName = "X";
        definition["X"].AddAnnotation("Note", 7, NumberDataViewType.Int32);
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(2), definition);
        int note = 0;
        data.Schema["X"].Annotations.GetValue("Note", ref note);
        Assert.AreEqual(7, note);
        Assert.IsFalse(((VectorDataViewType)data.Schema["X"].Type).IsKnownSize);
        definition["X"].ColumnType = NumberDataViewType.Single;
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            _ml.Data.LoadFromEnumerable(Review.Many(2), definition));
    }

    [TestMethod]
    public void LoadFromEnumerable_WithSchema_TakesTypesAndAnnotations()
    {
        SchemaDefinition definition = SchemaDefinition.Create(typeof(Review));
        definition["Features"].AddAnnotation("Note", 7, NumberDataViewType.Int32);
        DataViewSchema schema = _ml.Data.LoadFromEnumerable(Review.Many(1), definition).Schema;
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(2), schema);
        Assert.IsNotNull(data.Schema["Features"].Annotations.Schema.GetColumnOrNull("Note"));
        CollectionAssert.AreEqual(new[] { 0f, 1 }, Pipelines.Ids(data));
    }

    [TestMethod]
    public void GetColumn_OtherType_Throws()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => data.GetColumn<double>("Id"));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => data.GetColumn<float>("Nope"));
        CollectionAssert.AreEqual(new[] { 0f, 0, 0 }, data.GetColumn<float[]>("Features").Single());
    }
}
