using System.Buffers.Binary;
using System.IO.Compression;
using System.Reflection;
using System.Text;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Tests.StandIns;

/// <summary>The bytes of a saved model; they are the same whether a stand-in or ML.NET 5.0 itself wrote them.</summary>
[TestClass]
public sealed class ModelFormatTests
{
    private const string ChainKey = "TransformerChain/Model.key";
    private const string StageKey = "TransformerChain/Transform_000/Model.key";
    private const int HeaderSize = 256;

    [TestMethod]
    public void Save_Chain_WritesTheEntriesOfMLNet()
    {
        Dictionary<string, byte[]> entries = Unzip(SaveChain());

        Assert.IsTrue(entries.ContainsKey("TrainingInfo/Version.txt"));
        StringAssert.StartsWith(Encoding.UTF8.GetString(entries["TrainingInfo/Version.txt"]), "5.0.");
        Assert.IsTrue(entries.ContainsKey(ChainKey));
        Assert.IsTrue(entries.ContainsKey(StageKey));
        Assert.IsFalse(entries.ContainsKey("TransformerChain/Transform_001/Model.key"));
    }

    [TestMethod]
    public void Save_Stage_HeaderHasTheDocumentedLayout()
    {
        byte[] key = Unzip(SaveChain())[StageKey];

        Assert.AreEqual("ML\0MODEL", Ascii(key, 0, 8));
        Assert.AreEqual(0x00010002u, BinaryPrimitives.ReadUInt32LittleEndian(key.AsSpan(0x08)));
        Assert.AreEqual(0x00010002u, BinaryPrimitives.ReadUInt32LittleEndian(key.AsSpan(0x0C)));
        Assert.AreEqual("COPYCOLT", Ascii(key, 0x40, 8));
        Assert.AreEqual("CopyTransform", Ascii(key, 0x50, 24).TrimEnd('\0'));

        // Model block, string table, string characters, assembly name, tail: each begins where the one before ends.
        long at = HeaderSize;
        foreach (int field in new[] { 0x10, 0x20, 0x30 })
        {
            Assert.AreEqual(at, Int64At(key, field));
            at += Int64At(key, field + 8);
        }
        Assert.AreEqual(at, Int64At(key, 0x90));
        int nameLength = BinaryPrimitives.ReadInt32LittleEndian(key.AsSpan(0x98));
        StringAssert.StartsWith(Encoding.Unicode.GetString(key, (int)at, nameLength), "Microsoft.ML.Data");
        at += nameLength;
        Assert.AreEqual(at, Int64At(key, 0x80));
        Assert.AreEqual("LEDOM\0LM", Ascii(key, (int)at, 8));
        Assert.AreEqual(at + 8, Int64At(key, 0x88));
        Assert.AreEqual(at + 8, key.LongLength);
    }

    [TestMethod]
    public void Save_Stage_StringTableHoldsTheColumnNames()
    {
        byte[] key = Unzip(SaveChain())[StageKey];

        int table = (int)Int64At(key, 0x20), chars = (int)Int64At(key, 0x30);
        Assert.AreEqual(2 * sizeof(long), Int64At(key, 0x28));
        int first = (int)Int64At(key, table), second = (int)Int64At(key, table + 8);
        Assert.AreEqual("Copy", Encoding.Unicode.GetString(key, chars, first));
        Assert.AreEqual("Näme", Encoding.Unicode.GetString(key, chars + first, second - first));
        // The model block: one pair of columns, then the numbers of the two strings.
        CollectionAssert.AreEqual(new[] { 1, 0, 1 },
            Enumerable.Range(0, 3).Select(i => BitConverter.ToInt32(key, HeaderSize + 4 * i)).ToArray());
    }

    [TestMethod]
    public void Load_SavedChain_GivesTheSameColumns()
    {
        ITransformer loaded = new MLContext().Model.Load(new MemoryStream(SaveChain()), out _);

        DataViewSchema output = loaded.GetOutputSchema(Data(new MLContext()).Schema);
        Assert.AreSame(NumberDataViewType.Single, output["Copy"].Type);
    }

    [TestMethod]
    public void Load_UnknownEntryInTheZip_IsIgnored()
    {
        byte[] zip = Rezip(Unzip(SaveChain()).Append(new("Other/Thing.bin", [1, 2, 3])));

        Assert.IsNotNull(new MLContext().Model.Load(new MemoryStream(zip), out _));
    }

    [TestMethod]
    public void Save_StageThatSetsNoVersion_Throws()
    {
        var ml = new MLContext();

        var ex = Assert.ThrowsExactly<InvalidOperationException>(
            () => ml.Model.Save(new NamelessTransformer(), null, new MemoryStream()));
        Assert.AreEqual("ModelSignature not specified!", ex.Message);
    }

    [TestMethod]
    public void Load_TruncatedZip_ThrowsFormatException()
    {
        byte[] zip = SaveChain();

        foreach (int length in new[] { 0, 1, zip.Length / 2, zip.Length - 1 })
            Assert.ThrowsExactly<FormatException>(() => Load(zip[..length]), $"cut to {length} bytes");
    }

    [TestMethod]
    [DataRow(0x00, DisplayName = "signature")]
    [DataRow(0x10, DisplayName = "model offset")]
    [DataRow(0x1F, DisplayName = "model size, made negative")]
    [DataRow(0x27, DisplayName = "string table offset")]
    [DataRow(0x88, DisplayName = "end")]
    [DataRow(0x90, DisplayName = "assembly name offset")]
    [DataRow(0x9B, DisplayName = "assembly name size")]
    public void Load_DamagedHeader_ThrowsFormatException(int offset)
    {
        byte[] zip = Damage(ChainKey, key => key[offset] ^= 0x80);

        Assert.ThrowsExactly<FormatException>(() => Load(zip));
    }

    [TestMethod]
    public void Load_UnknownLoaderSignature_NamesTheFolder()
    {
        byte[] zip = Damage(ChainKey, key => Encoding.ASCII.GetBytes("NoSuchLoader", key.AsSpan(0x50)));

        var ex = Assert.ThrowsExactly<FormatException>(() => Load(zip));
        Assert.AreEqual("Couldn't load model: 'TransformerChain'", ex.Message);
    }

    [TestMethod]
    public void Load_BadStage_ArrivesWrappedAsInMLNet()
    {
        // A chain is made by reflection, so what a stage says stands two exceptions below.
        byte[] zip = Damage(StageKey, key => Encoding.ASCII.GetBytes("NoSuchLoader", key.AsSpan(0x50)));

        var ex = Assert.ThrowsExactly<InvalidOperationException>(() => Load(zip));
        Assert.IsInstanceOfType<TargetInvocationException>(ex.InnerException);
        Assert.AreEqual("Couldn't load model: 'TransformerChain/Transform_000'",
            Assert.IsInstanceOfType<FormatException>(ex.InnerException.InnerException).Message);
    }

    [TestMethod]
    public void SaveAndLoad_CustomTempFolder_IsUsedAndLeftEmpty()
    {
        string folder = Directory.CreateTempSubdirectory("mlp_").FullName;
        try
        {
            var ml = new MLContext { TempFilePath = folder };
            ml.Model.Load(new MemoryStream(SaveChain(ml)), out _);

            Assert.IsEmpty(Directory.GetFileSystemEntries(folder));
            Directory.Delete(folder);
            Assert.IsNotNull(ml.Model.Load(new MemoryStream(SaveChain(ml)), out _));
            Assert.IsTrue(Directory.Exists(folder), "the temporary folders were not made under TempFilePath");
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static ITransformer Load(byte[] zip) => new MLContext().Model.Load(new MemoryStream(zip), out _);

    private static byte[] SaveChain(MLContext? ml = null)
    {
        ml ??= new MLContext();
        IDataView data = Data(ml);
        var estimator = new EstimatorChain<ITransformer>().Append(ml.Transforms.CopyColumns("Copy", "Näme"));
        ITransformer chain = estimator.Fit(data);
        var stream = new MemoryStream();
        ml.Model.Save(chain, data.Schema, stream);
        return stream.ToArray();
    }

    private static IDataView Data(MLContext ml) => ml.Data.LoadFromEnumerable(new[] { new Row { Value = 1 } });

    private static Dictionary<string, byte[]> Unzip(byte[] zip)
    {
        var entries = new Dictionary<string, byte[]>();
        using var archive = new ZipArchive(new MemoryStream(zip));
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            using Stream stream = entry.Open();
            var content = new MemoryStream();
            stream.CopyTo(content);
            entries.Add(entry.FullName, content.ToArray());
        }
        return entries;
    }

    private static byte[] Rezip(IEnumerable<KeyValuePair<string, byte[]>> entries)
    {
        var zip = new MemoryStream();
        using (var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true))
            foreach ((string name, byte[] content) in entries)
            {
                using Stream stream = archive.CreateEntry(name).Open();
                stream.Write(content);
            }
        return zip.ToArray();
    }

    private static byte[] Damage(string entry, Action<byte[]> change)
    {
        Dictionary<string, byte[]> entries = Unzip(SaveChain());
        change(entries[entry]);
        return Rezip(entries);
    }

    private static long Int64At(byte[] bytes, int offset) =>
        BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(offset));

    private static string Ascii(byte[] bytes, int offset, int count) => Encoding.ASCII.GetString(bytes, offset, count);

    private sealed class Row
    {
        [ColumnName("Näme")]
        public float Value { get; set; }
    }

    private sealed class NamelessTransformer : ITransformer
    {
        public bool IsRowToRowMapper => false;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => throw new InvalidOperationException();

        public IDataView Transform(IDataView input) => input;

        public void Save(ModelSaveContext ctx)
        {
        }
    }
}
