using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Tests.StandIns;

[TestClass]
public sealed class DataViewSchemaTests
{
    [TestMethod]
    public void ToSchema_RepeatedName_LaterColumnHidesEarlier()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("A", NumberDataViewType.Single);
        builder.AddColumn("B", TextDataViewType.Instance);
        builder.AddColumn("A", NumberDataViewType.Int32);
        DataViewSchema schema = builder.ToSchema();

        Assert.HasCount(3, schema);
        Assert.AreEqual(2, schema["A"].Index);
        Assert.AreSame(NumberDataViewType.Int32, schema["A"].Type);
        Assert.IsTrue(schema[0].IsHidden);
        Assert.IsFalse(schema[1].IsHidden);
        Assert.IsFalse(schema[2].IsHidden);
        Assert.AreEqual("A: Single", schema[0].ToString());
    }

    [TestMethod]
    public void Indexer_UnknownName_ThrowsAndNamesTheColumn()
    {
        DataViewSchema schema = new DataViewSchema.Builder().ToSchema();

        var ex = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => schema["Missing"]);
        StringAssert.Contains(ex.Message, "Column 'Missing' not found");
        Assert.AreEqual("name", ex.ParamName);
        Assert.IsNull(schema.GetColumnOrNull("Missing"));
        Assert.ThrowsExactly<ArgumentNullException>(() => schema.GetColumnOrNull(""));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => schema[0]);
    }

    [TestMethod]
    public void AddColumns_HiddenColumnInSource_StaysHidden()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("A", NumberDataViewType.Single);
        builder.AddColumn("A", NumberDataViewType.Double);
        var copy = new DataViewSchema.Builder();
        copy.AddColumns(builder.ToSchema());
        copy.AddColumns([new DataViewSchema.DetachedColumn("B", BooleanDataViewType.Instance)]);
        DataViewSchema schema = copy.ToSchema();

        CollectionAssert.AreEqual(new[] { true, false, false }, schema.Select(c => c.IsHidden).ToArray());
        Assert.AreSame(DataViewSchema.Annotations.Empty, schema["B"].Annotations);
    }

    [TestMethod]
    public void Annotations_ValuesAndGetters_RoundTrip()
    {
        var source = new DataViewSchema.Annotations.Builder();
        source.AddPrimitiveValue("Count", NumberDataViewType.Int32, 7);
        source.Add("Text", TextDataViewType.Instance,
            (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = "x".AsMemory()));
        var kept = new DataViewSchema.Annotations.Builder();
        kept.Add(source.ToAnnotations(), name => name == "Count");
        DataViewSchema.Annotations annotations = kept.ToAnnotations();

        int count = 0;
        annotations.GetValue("Count", ref count);
        Assert.AreEqual(7, count);
        Assert.AreEqual("Count", annotations.ToString());
        ReadOnlyMemory<char> text = default;
        source.ToAnnotations().GetValue("Text", ref text);
        Assert.AreEqual("x", text.ToString());
        Assert.ThrowsExactly<InvalidOperationException>(() => annotations.GetValue("Text", ref text));
        Assert.ThrowsExactly<InvalidOperationException>(
            () => annotations.GetGetter<float>(annotations.Schema["Count"]));
    }

    [TestMethod]
    public void AnnotationsAdd_GetterOfAnotherType_Throws()
    {
        var builder = new DataViewSchema.Annotations.Builder();
        Delegate getter = (ValueGetter<int>)((ref int value) => value = 1);

        var error = Assert.ThrowsExactly<TargetInvocationException>(
            () => builder.Add("A", NumberDataViewType.Single, getter));
        Assert.IsInstanceOfType<ArgumentException>(error.InnerException);
        Assert.ThrowsExactly<ArgumentException>(
            () => builder.AddPrimitiveValue("A", NumberDataViewType.Single, 1));
    }

    [TestMethod]
    public void Dispose_CalledTwice_ReachesTheRowTwice()
    {
        var row = new CountingRow();
        row.Dispose();
        row.Dispose();

        Assert.AreEqual(2, row.DisposeCount);
    }

    private sealed class CountingRow : DataViewRow
    {
        public int DisposeCount { get; private set; }

        public override long Position => 0;

        public override long Batch => 0;

        public override DataViewSchema Schema { get; } = new DataViewSchema.Builder().ToSchema();

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = default;

        public override bool IsColumnActive(DataViewSchema.Column column) => false;

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            throw new ArgumentOutOfRangeException(nameof(column));

        protected override void Dispose(bool disposing) => DisposeCount++;
    }
}
