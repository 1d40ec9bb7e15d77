using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Tests.StandIns;

[TestClass]
public sealed class PredictionEngineTests
{
    private readonly MLContext _ml = new(1);

    private sealed class Output
    {
        public float[] All { get; set; } = [];

        public string Text { get; set; } = "";

        public float Missing { get; set; } = -1;
    }

    private sealed class FullOutput
    {
        public float[] All { get; set; } = [];
    }

    private class PassThrough(bool isMapper) : ITransformer
    {
        private readonly ITransformer _empty = new TransformerChain<ITransformer>();

        public bool IsRowToRowMapper => isMapper;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => _empty.GetRowToRowMapper(inputSchema);

        public void Save(ModelSaveContext ctx) => _empty.Save(ctx);

        public IDataView Transform(IDataView input) => input;
    }

    private sealed class Disposable() : PassThrough(true), IDisposable
    {
        public int Disposals { get; private set; }

        public void Dispose() => Disposals++;
    }

    /// <summary>Passes rows through and notes with which schema and columns the engine asks for a row.</summary>
    private sealed class Spy() : PassThrough(true), ITransformer
    {
        public int ActiveColumns { get; private set; }

        public bool SameSchema { get; private set; }

        IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => new Mapper(this, inputSchema);

        private sealed class Mapper(Spy spy, DataViewSchema schema) : IRowToRowMapper
        {
            public DataViewSchema InputSchema => schema;

            public DataViewSchema OutputSchema => schema;

            public IEnumerable<DataViewSchema.Column> GetDependencies(
                IEnumerable<DataViewSchema.Column> dependingColumns) => dependingColumns;

            public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
            {
                spy.ActiveColumns = activeColumns.Count();
                spy.SameSchema = ReferenceEquals(input.Schema, schema);
                return input;
            }
        }
    }

    [TestMethod]
    public void Predict_Chain_ComputesEachExample()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(1));
        using var engine = _ml.Model.CreatePredictionEngine<Review, Output>(Pipelines.CopyConcatSelect(_ml).Fit(data));
        Assert.HasCount(2, engine.OutputSchema);
        Output first = engine.Predict(new Review { Id = 1, Text = "a", Features = [2, 3, 4] });
        Output second = engine.Predict(new Review { Id = 5, Text = "b", Features = [6, 7, 8] });
        CollectionAssert.AreEqual(new[] { 1f, 2, 3, 4 }, first.All);
        CollectionAssert.AreEqual(new[] { 5f, 6, 7, 8 }, second.All);
        Assert.AreEqual("a", first.Text);
        Assert.AreEqual(-1f, first.Missing);
        Assert.ThrowsExactly<ArgumentNullException>(() => engine.Predict(null!));
    }

    [TestMethod]
    public void Predict_IntoAnObject_ReusesIt()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(1));
        using var engine = _ml.Model.CreatePredictionEngine<Review, Output>(Pipelines.CopyConcatSelect(_ml).Fit(data));
        var output = new Output();
        Output same = output;
        engine.Predict(new Review { Id = 9 }, ref output);
        Assert.AreSame(same, output);
        Assert.AreEqual(9f, output.All[0]);
    }

    [TestMethod]
    public void Create_MissingOutputColumn_ThrowsUnlessIgnored()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(1));
        var model = Pipelines.CopyConcatSelect(_ml).Fit(data);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            _ml.Model.CreatePredictionEngine<Review, Output>(model, ignoreMissingColumns: false));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            _ml.Model.CreatePredictionEngine<Review, Output>(model, data.Schema));
        using var engine = _ml.Model.CreatePredictionEngine<Review, FullOutput>(model, data.Schema);
        Assert.HasCount(4, engine.Predict(new Review()).All);
    }

    [TestMethod]
    public void Create_NotARowToRowMapper_Throws()
    {
        var chain = new TransformerChain<ITransformer>(new PassThrough(true), new PassThrough(false));
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            _ml.Model.CreatePredictionEngine<Review, Output>(chain));
        StringAssert.Contains(error.Message, "Must be a row to row mapper");
    }

    [TestMethod]
    public void Create_AsksForOneRowOfTheSchemaItGaveWithAllColumns()
    {
        var spy = new Spy();
        using var engine = _ml.Model.CreatePredictionEngine<Review, Review>(new TransformerChain<ITransformer>(spy));
        Assert.AreEqual(3, spy.ActiveColumns);
        Assert.IsTrue(spy.SameSchema);
        Assert.AreEqual("x", engine.Predict(new Review { Text = "x" }).Text);
    }

    [TestMethod]
    [DataRow(true, 1)]
    [DataRow(false, 0)]
    public void Dispose_OwnsTransformer_DecidesAboutTheTransformer(bool owns, int disposals)
    {
        var model = new Disposable();
        var options = new PredictionEngineOptions { OwnsTransformer = owns };
        var engine = _ml.Model.CreatePredictionEngine<Review, Review>(model, options);
        engine.Dispose();
        engine.Dispose();
        Assert.AreEqual(disposals, model.Disposals);
    }
}
