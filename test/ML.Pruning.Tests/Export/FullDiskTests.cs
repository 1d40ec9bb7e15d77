using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tests.Export;

/// <summary>A disk that fills up gives an <see cref="IOException"/>, and nothing half-written stays behind.</summary>
[TestClass]
public sealed class FullDiskTests
{
    private const int Kibibytes = 256;

    private static readonly ModelSpec s_large = RandomModel.Llama with
    {
        HiddenSize = 64,
        Layers = [RandomModel.Layer(4, 2, 16, 512), RandomModel.Layer(4, 2, 16, 512)],
    };

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void SaveFolder_DiskFull_LeavesNothing(bool compressed)
    {
        using SmallDisk disk = SmallDisk.Mount(Kibibytes);
        using LanguageModel model = RandomModel.Create(s_large);
        AssertDiskFull(() => HuggingFaceModel.Save(model, disk["model"], compressed));
        Assert.IsEmpty(disk.Names);
    }

    [TestMethod]
    public void SaveFolder_DiskFullWhileReplacing_KeepsTheOldModel()
    {
        using SmallDisk disk = SmallDisk.Mount(Kibibytes);
        using LanguageModel small = RandomModel.Create(RandomModel.Llama), large = RandomModel.Create(s_large);
        using LanguageModel complete = new(small.ToContent() with { ConfigJson = """
            { "model_type": "llama", "max_position_embeddings": 64, "rms_norm_eps": 1e-5 }
            """ });
        HuggingFaceModel.Save(complete, disk["model"]);
        AssertDiskFull(() => HuggingFaceModel.Save(large, disk["model"], overwrite: true));
        CollectionAssert.AreEqual(new[] { "model" }, disk.Names);
        using LanguageModel old = HuggingFaceModel.Open(disk["model"]);
        Assert.AreEqual(small.ContentHash, old.ContentHash);
    }

    [TestMethod]
    public void SaveZip_DiskFull_LeavesNothing()
    {
        using SmallDisk disk = SmallDisk.Mount(Kibibytes);
        using LanguageModel model = RandomModel.Create(s_large);
        AssertDiskFull(() => LanguageModelZip.Save(model, disk["model.zip"]));
        Assert.IsEmpty(disk.Names);
    }

    [TestMethod]
    public void Prune_DiskFull_LeavesNothingAndTheModelUsable()
    {
        using SmallDisk disk = SmallDisk.Mount(Kibibytes);
        using LanguageModel model = RandomModel.Create(s_large);
        string before = model.ContentHash;
        var context = new PruningContext { TempFolder = disk.Folder };
        AssertDiskFull(() => Pruner.Prune(model, new Magnitude(), context: context));
        Assert.IsEmpty(disk.Names);
        using var again = new LanguageModel(model.ToContent());
        Assert.AreEqual(before, again.ContentHash);
    }

    private static void AssertDiskFull(Action write)
    {
        IOException error = Assert.ThrowsExactly<IOException>(write);
        StringAssert.Contains(error.Message, "No space left on device");
    }
}
