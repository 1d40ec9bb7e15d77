using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Tests.StandIns;

[TestClass]
public sealed class TextLoaderTests
{
    private readonly MLContext _ml = new(1);
    private readonly string _path = Path.GetTempFileName();

    private sealed class Row
    {
        [LoadColumn(0)]
        public string Text { get; set; } = "";

        [LoadColumn(1)]
        [ColumnName("Label")]
        public bool Positive { get; set; }

        [LoadColumn(2, 4)]
        [VectorType(3)]
        public float[] Numbers { get; set; } = [];
    }

    private sealed class Words
    {
        public string[] Texts { get; set; } = [];

        public float Number { get; set; }
    }

    [TestCleanup]
    public void DeleteFile() => File.Delete(_path);

    private Row[] Read(IDataView data) => [.. _ml.Data.CreateEnumerable<Row>(data, false, ignoreMissingColumns: true)];

    private string[] ReadTexts(TextLoader.Options options)
    {
        options.Columns ??= [new TextLoader.Column("Text", DataKind.String, 0)];
        return [.. _ml.Data.LoadFromTextFile(_path, options).GetColumn<string>("Text")];
    }

    [TestMethod]
    public void LoadFromTextFile_Class_ReadsTextBooleanAndVector()
    {
        File.WriteAllText(_path, "text\tlabel\ta\tb\tc\na b\t1\t1\t2.5\t-3e2\n\n//skip\nc\tfalse\t\t7\n");
        IDataView data = _ml.Data.LoadFromTextFile<Row>(_path, hasHeader: true);
        CollectionAssert.AreEqual(new[] { "Text", "Label", "Numbers" }, data.Schema.Select(c => c.Name).ToArray());
        Assert.AreEqual(new VectorDataViewType(NumberDataViewType.Single, 3), data.Schema["Numbers"].Type);
        Row[] rows = Read(data);
        Assert.HasCount(2, rows);
        Assert.AreEqual("a b", rows[0].Text);
        Assert.IsTrue(rows[0].Positive);
        CollectionAssert.AreEqual(new[] { 1f, 2.5f, -300 }, rows[0].Numbers);
        Assert.IsFalse(rows[1].Positive);
        CollectionAssert.AreEqual(new[] { 0f, 7, 0 }, rows[1].Numbers);
    }

    [TestMethod]
    public void LoadFromTextFile_Quoting_KeepsSeparatorsAndDoubledQuotes()
    {
        File.WriteAllText(_path, "\"a,\"\"b\"\" c\" ,1\n plain ,0\n\"open,1\n\"bad\"x,1\n");
        TextLoader.Column[] columns =
            [new("Text", DataKind.String, 0), new("Label", DataKind.Boolean, 1)];
        IDataView data = _ml.Data.LoadFromTextFile(_path, columns, ',', allowQuoting: true);
        CollectionAssert.AreEqual(new[] { "a,\"b\" c", "plain ", "", "" }, data.GetColumn<string>("Text").ToArray());
        IDataView raw = _ml.Data.LoadFromTextFile(_path, columns, ',', allowQuoting: false);
        Assert.AreEqual("\"a", raw.GetColumn<string>("Text").First());
    }

    [TestMethod]
    public void LoadFromTextFile_ReadMultilines_JoinsQuotedLines()
    {
        File.WriteAllText(_path, "\"a\nb\"\nc\n");
        var options = new TextLoader.Options { AllowQuoting = true, ReadMultilines = true };
        CollectionAssert.AreEqual(new[] { "a\nb", "c" }, ReadTexts(options));
    }

    [TestMethod]
    public void LoadFromTextFile_TrimWhitespaceAndMaxRows_AreObeyed()
    {
        File.WriteAllText(_path, "#comment\n  a \nb\nc\n");
        CollectionAssert.AreEqual(new[] { "a ", "b", "c" }, ReadTexts(new TextLoader.Options()));
        CollectionAssert.AreEqual(new[] { "a", "b" },
            ReadTexts(new TextLoader.Options { TrimWhitespace = true, MaxRows = 2 }));
    }

    [TestMethod]
    public void LoadFromTextFile_SeveralSeparators_AllSeparate()
    {
        File.WriteAllText(_path, "a;1\nb,2\n");
        var options = new TextLoader.Options
        {
            Separators = [';', ','],
            Columns = [new("Text", DataKind.String, 0), new("Number", DataKind.Int32, 1)],
        };
        CollectionAssert.AreEqual(new[] { 1, 2 },
            _ml.Data.LoadFromTextFile(_path, options).GetColumn<int>("Number").ToArray());
    }

    [TestMethod]
    public void CreateTextLoader_OpenRange_TakesItsSizeFromTheSample()
    {
        File.WriteAllText(_path, "5\ta\tb\tc\n6\td\te\tf\n");
        TextLoader.Column[] columns =
        [
            new("Number", DataKind.Single, 0), new("Texts", DataKind.String, [new TextLoader.Range(1, null)]),
        ];
        var source = new MultiFileSource(_path);
        TextLoader loader = _ml.Data.CreateTextLoader(columns, dataSample: source);
        Assert.AreEqual(new VectorDataViewType(TextDataViewType.Instance, 3), loader.GetOutputSchema()["Texts"].Type);
        Words[] rows = [.. _ml.Data.CreateEnumerable<Words>(loader.Load(_path), false)];
        CollectionAssert.AreEqual(new[] { "d", "e", "f" }, rows[1].Texts);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.CreateTextLoader(columns));
    }

    [TestMethod]
    public void CreateTextLoader_VariableRange_GivesVectorsOfTheLinesOwnSize()
    {
        File.WriteAllText(_path, "1\t2\t3\n4\n");
        var options = new TextLoader.Options
        {
            Columns = [new("X", DataKind.Single, [new TextLoader.Range { Min = 0, VariableEnd = true }])],
        };
        float[][] rows = [.. _ml.Data.LoadFromTextFile(_path, options).GetColumn<float[]>("X")];
        CollectionAssert.AreEqual(new[] { 1f, 2, 3 }, rows[0]);
        CollectionAssert.AreEqual(new[] { 4f }, rows[1]);
    }

    [TestMethod]
    public void Load_SeveralFiles_ReadsOneAfterTheOtherEachWithItsHeader()
    {
        File.WriteAllText(_path, "head\na\nb\n");
        TextLoader loader =
            _ml.Data.CreateTextLoader([new TextLoader.Column("Text", DataKind.String, 0)], hasHeader: true);
        CollectionAssert.AreEqual(new[] { "a", "b", "a", "b" },
            loader.Load(_path, _path).GetColumn<string>("Text").ToArray());
        Assert.IsEmpty(loader.Load(new MultiFileSource(null!)).GetColumn<string>("Text"));
    }

    [TestMethod]
    public void Getter_BadNumber_IsNaNOrNamesLineColumnAndValue()
    {
        File.WriteAllText(_path, "1\n?\nx1\n");
        IDataView data = _ml.Data.LoadFromTextFile(_path, [new TextLoader.Column("X", DataKind.Single, 0)]);
        CollectionAssert.AreEqual(new[] { 1, float.NaN, float.NaN }, data.GetColumn<float>("X").ToArray());
        File.WriteAllText(_path, "1\n2\nx1\n");
        data = _ml.Data.LoadFromTextFile(_path, [new TextLoader.Column("X", DataKind.Int32, 0)]);
        var error = Assert.Throws<Exception>(() => data.GetColumn<int>("X").ToArray());
        StringAssert.Contains(error.ToString(), "Could not parse value x1 in line 3, column X");
    }

    [TestMethod]
    public void Load_ColumnNotPulled_IsNotParsed()
    {
        File.WriteAllText(_path, "a\tnot a number\n");
        TextLoader.Column[] columns = [new("Text", DataKind.String, 0), new("X", DataKind.Single, 1)];
        CollectionAssert.AreEqual(new[] { "a" },
            _ml.Data.LoadFromTextFile(_path, columns).GetColumn<string>("Text").ToArray());
    }

    [TestMethod]
    public void Load_KeyColumn_CountsFromOneAndMapsTheRestToMissing()
    {
        File.WriteAllText(_path, "0\n2\n3\n");
        var column = new TextLoader.Column("Key", DataKind.UInt32, [new TextLoader.Range(0)], new KeyCount(3));
        IDataView data = _ml.Data.LoadFromTextFile(_path, [column]);
        Assert.AreEqual(new KeyDataViewType(typeof(uint), 3), data.Schema["Key"].Type);
        CollectionAssert.AreEqual(new[] { 1u, 3u, 0u }, data.GetColumn<uint>("Key").ToArray());
    }

    [TestMethod]
    public void LoadFromTextFile_BadArguments_AreRefused()
    {
        TextLoader.Column[] overlap =
            [new("X", DataKind.Single, [new TextLoader.Range(0, 2), new TextLoader.Range(1)])];
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.CreateTextLoader(overlap));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.CreateTextLoader([]));
        var missing = Assert.ThrowsExactly<InvalidOperationException>(() => _ml.Data.CreateTextLoader<IdRow>());
        StringAssert.Contains(missing.Message, "Property 'Id' is missing the LoadColumnAttribute attribute");
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() =>
            _ml.Data.LoadFromTextFile<Row>(_path + ".none"));
        StringAssert.Contains(error.Message, "does not exist at path");
    }
}
