using System.IO.Compression;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace ML.Pruning.Tests.StandIns;

[TestClass]
public sealed class SaveLoadTests
{
    private readonly MLContext _ml = new(1);

    private sealed class Output
    {
        public float[] All { get; set; } = [];

        public string Text { get; set; } = "";
    }

    private sealed class FailingTransformer : ITransformer
    {
        public bool IsRowToRowMapper => false;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => throw new NotSupportedException();

        public void Save(ModelSaveContext ctx) => throw new NotSupportedException("cannot be saved");

        public IDataView Transform(IDataView input) => input;
    }

    [TestMethod]
    public void SaveLoad_Chain_GivesEqualResultsInAnotherContext()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(3));
        var model = Pipelines.CopyConcatSelect(_ml).Fit(data);
        using var stream = new MemoryStream();
        _ml.Model.Save(model, data.Schema, stream);

        ITransformer loaded = new MLContext().Model.Load(stream, out DataViewSchema? schema);
        Assert.IsNull(schema?.GetColumnOrNull("All"));
        var chain = (TransformerChain<ITransformer>)loaded;
        Assert.IsInstanceOfType<ColumnSelectingTransformer>(chain.LastTransformer);
        Assert.AreEqual(3, chain.Count());
        Output[] expected = [.. _ml.Data.CreateEnumerable<Output>(model.Transform(data), false)];
        Output[] actual = [.. _ml.Data.CreateEnumerable<Output>(loaded.Transform(data), false)];
        Assert.HasCount(3, actual);
        for (int i = 0; i < actual.Length; i++)
        {
            CollectionAssert.AreEqual(expected[i].All, actual[i].All);
            Assert.AreEqual(expected[i].Text, actual[i].Text);
        }
    }

    [TestMethod]
    public void Save_Chain_HasTheLayoutOfMLNet()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(3));
        using var stream = new MemoryStream();
        _ml.Model.Save(Pipelines.CopyConcatSelect(_ml).Fit(data), data.Schema, stream);
        using var zip = new ZipArchive(stream, ZipArchiveMode.Read);
        string[] names = [.. zip.Entries.Select(e => e.FullName)];
        CollectionAssert.IsSubsetOf(new[]
        {
            "TrainingInfo/Version.txt", "TransformerChain/Model.key", "TransformerChain/Transform_000/Model.key",
            "TransformerChain/Transform_001/Model.key", "TransformerChain/Transform_002/Model.key",
        }, names);
    }

    [TestMethod]
    public void SaveLoad_SingleTransformer_ComesBackAsItsType()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(3));
        using var stream = new MemoryStream();
        _ml.Model.Save(_ml.Transforms.CopyColumns("Copy", "Id").Fit(data), data.Schema, stream);
        ITransformer loaded = _ml.Model.Load(stream, out _);
        Assert.IsInstanceOfType<ColumnCopyingTransformer>(loaded);
        CollectionAssert.AreEqual(new[] { 0f, 1, 2 }, loaded.Transform(data).GetColumn<float>("Copy").ToArray());
    }

    [TestMethod]
    public void SaveLoad_NestedChainWithScopes_KeepsStructureAndScopes()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(2));
        var inner = _ml.Transforms.CopyColumns("A", "Id").Append(_ml.Transforms.CopyColumns("B", "A"));
        var model = _ml.Transforms.CopyColumns("C", "Id").Append(inner)
            .Append(_ml.Transforms.CopyColumns("D", "B"), TransformerScope.Training).Fit(data);
        using var stream = new MemoryStream();
        _ml.Model.Save(model, null, stream);
        var loaded = (TransformerChain<ITransformer>)_ml.Model.Load(stream, out _);
        Assert.IsInstanceOfType<TransformerChain<ITransformer>>(loaded.ElementAt(1));
        Assert.AreEqual(2, loaded.GetModelFor(TransformerScope.Scoring).Count());
    }

    [TestMethod]
    public void Load_UnknownEntriesInTheZip_AreIgnored()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(1));
        using var stream = new MemoryStream();
        _ml.Model.Save(_ml.Transforms.CopyColumns("Copy", "Id").Fit(data), data.Schema, stream);
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Update, leaveOpen: true))
        using (var writer = new StreamWriter(zip.CreateEntry("Something/else.bin").Open()))
            writer.Write("hello");
        Assert.IsNotNull(_ml.Model.Load(stream, out _));
    }

    [TestMethod]
    public void Load_ZipWithoutAModel_Throws()
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true)) zip.CreateEntry("a");
        Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Model.Load(stream, out _));
    }

    [TestMethod]
    public void Load_NotAZip_ThrowsFormatException()
    {
        using var stream = new MemoryStream(new byte[100]);
        Assert.ThrowsExactly<FormatException>(() => _ml.Model.Load(stream, out _));
    }

    [TestMethod]
    public void Save_StageThrows_ErrorComesThroughAndTempFilesAreGone()
    {
        string temp = Directory.CreateTempSubdirectory().FullName;
        _ml.TempFilePath = temp;
        string path = Path.Combine(temp, "model.zip");
        Assert.ThrowsExactly<NotSupportedException>(() =>
            _ml.Model.Save(new TransformerChain<ITransformer>(new FailingTransformer()), null, path));
        Assert.IsEmpty(Directory.GetDirectories(temp));
        Directory.Delete(temp, true);
    }

    [TestMethod]
    public void SaveLoad_Path_RoundTrips()
    {
        string path = Path.GetTempFileName();
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(1));
        _ml.Model.Save(_ml.Transforms.DropColumns("Text").Fit(data), data.Schema, path);
        ITransformer loaded = _ml.Model.Load(path, out _);
        Assert.HasCount(2, loaded.GetOutputSchema(data.Schema));
        File.Delete(path);
    }
}
