using System.Buffers.Binary;
using System.Text.Json.Nodes;
using Microsoft.ML.OnnxRuntime;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ML.Pruning.Checkpoints;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Export.Onnx;

/// <summary>The exported files: what ONNX Runtime alone makes of them, whole or not at all, refusals.</summary>
[TestClass]
public sealed class OnnxModelTests
{
    private static readonly ModelSpec s_spec = RandomModel.Llama with { VocabularySize = 300 };

    [TestMethod]
    [DataRow("model.onnx", TensorType.F32)]
    [DataRow("model.onnx", TensorType.BF16)]
    [DataRow("folder", TensorType.F32)]
    [DataRow("folder", TensorType.F16)]
    public void Export_RunWithTokensAlone_GivesTheLogits(string name, TensorType type)
    {
        using LanguageModel model = RandomModel.Create(s_spec, type: type);
        using var folder = new TestFolder();
        OnnxModel.Export(model, folder[name]);
        string graph = OnnxModel.IsFile(name) ? folder[name] : Path.Combine(folder[name], OnnxModel.FileName);
        int[] tokens = RandomModel.Tokens(s_spec, 9);

        using var session = new InferenceSession(graph);
        CollectionAssert.AreEqual(new[] { GraphNames.Tokens }, session.InputMetadata.Keys.ToArray());
        using var ids = OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(tokens, t => (long)t), [1, 9]);
        using IDisposableReadOnlyCollection<OrtValue> outputs =
            session.Run(new RunOptions(), [GraphNames.Tokens], [ids], [GraphNames.Logits, GraphNames.PresentKey(1)]);

        using var torch = new TorchEngine(model);
        float[] expected = Logits.Of(torch, s_spec, tokens);
        float[] actual = outputs[0].GetTensorDataAsSpan<float>().ToArray();
        CollectionAssert.AreEqual(new long[] { 1, 9, 300 }, outputs[0].GetTensorTypeAndShape().Shape);
        CollectionAssert.AreEqual(new long[] { 1, 2, 9, 4 }, outputs[1].GetTensorTypeAndShape().Shape);
        Assert.IsLessThan(1e-5, Logits.Difference(expected, actual));
    }

    [TestMethod]
    public void Export_Folder_HoldsAlignedWeightsConfigAndTokenizer()
    {
        using var tiny = new TinyModel();
        using var folder = new TestFolder();
        using LanguageModel model = ML.Pruning.Export.HuggingFaceModel.Open(tiny.Folder);
        OnnxModel.Export(model, folder["out"]);

        CollectionAssert.IsSubsetOf(
            new[] { "config.json", OnnxModel.FileName, OnnxModel.DataFileName, "tokenizer.json" },
            Directory.GetFiles(folder["out"]).Select(Path.GetFileName).ToArray());
        JsonObject config = HuggingFaceFolder.ReadConfig(Path.Combine(folder["out"], "config.json"));
        Assert.AreEqual(model.Spec.HiddenSize, (int)config["hidden_size"]!);

        // The first constant of a page or more is the embedding; it starts the file, and every next one starts a page.
        byte[] data = File.ReadAllBytes(Path.Combine(folder["out"], OnnxModel.DataFileName));
        float[] embedding = model.Weights[TensorNames.Embedding].ToArray();
        Assert.AreEqual(embedding[3], BinaryPrimitives.ReadSingleLittleEndian(data.AsSpan(3 * sizeof(float))));
        float[] query = model.Weights[TensorNames.Weight(0, TensorNames.Query)].ToArray();
        int start = (embedding.Length * sizeof(float) + 4095) / 4096 * 4096;
        Assert.AreEqual(query[0], BinaryPrimitives.ReadSingleLittleEndian(data.AsSpan(start)));
    }

    [TestMethod]
    public void Export_OntoSomethingThatExists_NeedsOverwrite()
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        using var folder = new TestFolder();
        foreach (string name in (string[])["a.onnx", "b"])
        {
            OnnxModel.Export(model, folder[name]);
            Assert.Throws<IOException>(() => OnnxModel.Export(model, folder[name]));
            OnnxModel.Export(model, folder[name], new OnnxExportOptions { Overwrite = true });
        }

        CollectionAssert.AreEqual(new[] { "a.onnx", "b" }, folder.Names);
    }

    [TestMethod]
    public void Export_Cancelled_LeavesNothing()
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        using var folder = new TestFolder();
        foreach (string name in (string[])["a.onnx", "b"])
        {
            Assert.Throws<OperationCanceledException>(
                () => OnnxModel.Export(model, folder[name], null, new CancellationToken(canceled: true)));
        }

        Assert.IsEmpty(folder.Names);
    }

    [TestMethod]
    public void Export_OneFileBeyondTwoGibibytes_IsRefusedBeforeAnyWeightIsRead()
    {
        ModelSpec spec = RandomModel.Llama with { VocabularySize = 1 << 20, HiddenSize = 1 << 9 };
        using var model = new LanguageModel(new LanguageModelContent
        {
            Spec = spec,
            Weights = spec.Parameters().ToDictionary(p => p.Name, p => (StoredTensor)new EndlessTensor(p)),
            ConfigJson = "{}",
        });
        using var folder = new TestFolder();
        StringAssert.Contains(
            Assert.Throws<NotSupportedException>(() => OnnxModel.Export(model, folder["a.onnx"])).Message, "folder");
        Assert.IsEmpty(folder.Names);
    }

    [TestMethod]
    public void Export_SpecWithAPartThatNothingKnows_IsRefusedByName()
    {
        using var folder = new TestFolder();
        foreach (ModelSpec spec in (ModelSpec[])
            [s_spec with { Activation = (ActivationKind)77 }, s_spec with { Positions = (PositionKind)77 }])
        {
            using LanguageModel model = RandomModel.Create(spec);
            StringAssert.Contains(
                Assert.Throws<NotSupportedException>(() => OnnxModel.Export(model, folder["a.onnx"])).Message, "77");
        }

        Assert.IsEmpty(folder.Names);
    }

    /// <summary>A tensor of any size that takes no memory and cannot be read.</summary>
    private sealed class EndlessTensor(ParameterSpec parameter)
        : StoredTensor(parameter.Name, TensorType.F32, parameter.Shape)
    {
        private protected override void ReadRaw(long byteOffset, Span<byte> destination) =>
            throw new InvalidOperationException($"{Name} is read.");
    }
}
