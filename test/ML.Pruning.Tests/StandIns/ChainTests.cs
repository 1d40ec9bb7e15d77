using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace ML.Pruning.Tests.StandIns;

[TestClass]
public sealed class ChainTests
{
    private readonly MLContext _ml = new(1);

    private sealed class Output
    {
        public float[] All { get; set; } = [];

        public string Text { get; set; } = "";
    }

    /// <summary>Counts its fits and passes the data through.</summary>
    private sealed class CountingEstimator(ITransformer inner) : IEstimator<ITransformer>
    {
        public int Fits { get; private set; }

        public ITransformer Fit(IDataView input)
        {
            Fits++;
            return inner;
        }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema;
    }

    private sealed class DisposableTransformer : ITransformer, IDisposable
    {
        private readonly ITransformer _empty = new TransformerChain<ITransformer>();

        public bool IsDisposed { get; private set; }

        public bool IsRowToRowMapper => true;

        public void Dispose() => IsDisposed = true;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => _empty.GetRowToRowMapper(inputSchema);

        public void Save(ModelSaveContext ctx) => _empty.Save(ctx);

        public IDataView Transform(IDataView input) => input;
    }

    [TestMethod]
    public void FitTransform_CopyConcatSelect_GivesTheSelectedColumnsInTheAskedOrder()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(3));
        IDataView result = Pipelines.CopyConcatSelect(_ml).Fit(data).Transform(data);
        CollectionAssert.AreEqual(new[] { "All", "Text" }, result.Schema.Select(c => c.Name).ToArray());
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Single, 4), result.Schema["All"].Type);
        Output[] rows = [.. _ml.Data.CreateEnumerable<Output>(result, reuseRowObject: false)];
        CollectionAssert.AreEqual(new[] { 2f, 2, 4, 6 }, rows[2].All);
        Assert.AreEqual("t2", rows[2].Text);
    }

    [TestMethod]
    public void Fit_LaterStageLacksItsColumn_FailsBeforeAnythingIsFitted()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(3));
        var counting = new CountingEstimator(new TransformerChain<ITransformer>());
        var chain = counting.Append(_ml.Transforms.CopyColumns("Copy", "Nope"));
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => chain.Fit(data));
        StringAssert.Contains(error.Message, "Could not find input column 'Nope'");
        Assert.AreEqual("inputSchema", error.ParamName);
        Assert.AreEqual(0, counting.Fits);
    }

    [TestMethod]
    public void Fit_ColumnDroppedBefore_Fails()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(3));
        var chain = _ml.Transforms.DropColumns("Text").Append(_ml.Transforms.CopyColumns("Copy", "Text"));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => chain.Fit(data));
    }

    [TestMethod]
    public void Concatenate_MixedTypes_NamesTheColumnAndBothTypes()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(3));
        var error = Assert.ThrowsExactly<InvalidOperationException>(() =>
            _ml.Transforms.CopyColumns("Copy", "Id").Append(_ml.Transforms.Concatenate("All", "Id", "Text")).Fit(data));
        StringAssert.Contains(error.Message, "Column 'Text' has type of String, but expected column type is Single.");
    }

    [TestMethod]
    public void Transform_SameOutputName_HidesTheOldColumnAndKeepsItReadable()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(3));
        IDataView result = _ml.Transforms.CopyColumns("Text", "Id").Fit(data).Transform(data);
        DataViewSchema.Column[] texts = [.. result.Schema.Where(c => c.Name == "Text")];
        Assert.HasCount(2, texts);
        Assert.IsTrue(texts[0].IsHidden);
        Assert.IsFalse(texts[1].IsHidden);
        Assert.AreEqual(NumberDataViewType.Single, result.Schema["Text"].Type);
        CollectionAssert.AreEqual(new[] { "t0", "t1", "t2" }, result.GetColumn<string>(texts[0]).ToArray());
        CollectionAssert.AreEqual(new[] { 0f, 1, 2 }, result.GetColumn<float>("Text").ToArray());
    }

    [TestMethod]
    public void SelectColumns_KeepHidden_DecidesAboutHiddenColumns()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(1));
        var copy = _ml.Transforms.CopyColumns("Text", "Id");
        IDataView without = copy.Append(_ml.Transforms.SelectColumns("Text")).Fit(data).Transform(data);
        IDataView with =
            copy.Append(_ml.Transforms.SelectColumns(["Text"], keepHidden: true)).Fit(data).Transform(data);
        IDataView dropped = copy.Append(_ml.Transforms.DropColumns("Id")).Fit(data).Transform(data);
        Assert.HasCount(1, without.Schema);
        Assert.HasCount(2, with.Schema);
        CollectionAssert.AreEqual(new[] { "Text", "Text", "Features" }, dropped.Schema.Select(c => c.Name).ToArray());
    }

    [TestMethod]
    public void TransformerChain_Scopes_SelectTheStagesOfAModel()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(1));
        var chain = _ml.Transforms.CopyColumns("A", "Id")
            .Append(_ml.Transforms.CopyColumns("B", "Id"), TransformerScope.TrainTest)
            .Append(_ml.Transforms.CopyColumns("C", "Id"))
            .Fit(data);
        Assert.AreEqual(3, chain.Count());
        Assert.IsInstanceOfType<ColumnCopyingTransformer>(chain.LastTransformer);
        DataViewSchema scoring = chain.GetOutputSchema(data.Schema, TransformerScope.Scoring);
        Assert.IsNull(scoring.GetColumnOrNull("B"));
        Assert.IsNotNull(scoring.GetColumnOrNull("C"));
        Assert.AreEqual(2, chain.GetModelFor(TransformerScope.Scoring).Count());
    }

    [TestMethod]
    public void Dispose_Chain_DisposesItsStages()
    {
        var stage = new DisposableTransformer();
        new TransformerChain<ITransformer>(new TransformerChain<ITransformer>(), stage).Dispose();
        Assert.IsTrue(stage.IsDisposed);
    }

    [TestMethod]
    public void WithOnFitDelegate_Fit_HandsOverTheTransformer()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(1));
        ColumnCopyingTransformer? seen = null;
        var fitted = _ml.Transforms.CopyColumns("Copy", "Id").WithOnFitDelegate(t => seen = t).Fit(data);
        Assert.AreSame(fitted, seen);
    }

    [TestMethod]
    public void AppendCacheCheckpoint_BetweenStages_ReadsTheSourceOnce()
    {
        int enumerations = 0;
        IEnumerable<Review> Rows()
        {
            enumerations++;
            foreach (Review row in Review.Many(5)) yield return row;
        }
        IDataView data = _ml.Data.LoadFromEnumerable(Rows());
        var reading = new ReadingEstimator();
        _ml.Transforms.CopyColumns("Copy", "Id").AppendCacheCheckpoint(_ml).Append(reading).Append(reading).Fit(data);
        Assert.AreEqual(10, reading.Rows);
        Assert.AreEqual(1, enumerations);
    }

    private sealed class ReadingEstimator : IEstimator<ITransformer>
    {
        public int Rows { get; private set; }

        public ITransformer Fit(IDataView input)
        {
            Rows += input.GetColumn<float>("Copy").Count();
            return new TransformerChain<ITransformer>();
        }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema;
    }
}
