using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Evaluation;
using ML.Pruning.Export;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tests.Pruning;

/// <summary>Pruning with quantisation, and what becomes of such models in files and scores.</summary>
[TestClass]
public class QuantizationTests
{
    private const string Query = "layers.0.self_attn.q_proj.weight";

    [TestMethod]
    [DataRow("int8")]
    [DataRow("int4:g8")]
    public void Prune_MagnitudeThenRounding_KeepsZerosAndStaysWithinHalfAStep(string text)
    {
        WeightGrid grid = WeightGrid.Parse(text);
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        using LanguageModel zeroed = Pruner.Prune(model, new Magnitude(), context: PrunedModels.In(folder)).Model;
        PruningResult result = Pruner.Prune(
            model, new Magnitude { Quantization = grid }, context: PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;

        foreach (TensorReport report in result.Report.Tensors)
        {
            var tensor = (QuantizedTensor)pruned.Weights[report.Name];
            float[] before = zeroed.Weights[report.Name].ToArray(), after = tensor.ToArray();
            double change = 0, size = 0;
            for (int i = 0; i < after.Length; i++)
            {
                if (before[i] == 0) Assert.AreEqual(0f, after[i]);
                change += Math.Pow((double)after[i] - before[i], 2);
                size += Math.Pow(before[i], 2);
            }

            Assert.AreEqual(grid, tensor.Grid);
            Assert.AreEqual(text, report.Grid);
            Assert.AreEqual(Math.Sqrt(change / size), report.RelativeError!.Value, 1e-12);
            Assert.AreEqual(after.Count(w => w == 0), report.ZerosAfter);
            Assert.AreEqual(report.ZerosAfter - before.Count(w => w == 0), report.RoundedToZero);
            Assert.IsLessThan(grid.Bits == 8 ? 0.01 : 0.15, report.RelativeError.Value);
            Assert.IsGreaterThan(0, report.RelativeError.Value);
        }

        Assert.AreEqual(text, (string?)pruned.Provenance[0].Options["quantization"]);
        Assert.HasCount(14, pruned.MaskedTensors);
        Assert.AreEqual(text, (string?)result.Report.ToJson()["tensors"]![0]!["grid"]);
        StringAssert.Contains(result.Report.ToTable().ToString(), $"14 tensors rounded to {text}");
    }

    [TestMethod]
    public void Prune_QuantizedModelAgain_StaysOnItsGrid()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        using LanguageModel rounded = Pruner.Prune(
            model, new RoundToNearest(new Int8PerRow()), context: PrunedModels.In(folder)).Model;
        using LanguageModel pruned = Pruner.Prune(rounded, new Magnitude(), context: PrunedModels.In(folder)).Model;

        Assert.IsEmpty(rounded.MaskedTensors, "nothing was removed, so zeros are no mask");
        var before = (QuantizedTensor)rounded.Weights[Query];
        var after = (QuantizedTensor)pruned.Weights[Query];
        CollectionAssert.AreEqual(before.Scales.ToArray(), after.Scales.ToArray());
        float[] old = before.Codes.ToArray(), codes = after.Codes.ToArray();
        Assert.AreEqual(codes.Length / 2, codes.Count(c => c == 0));
        for (int i = 0; i < codes.Length; i++) Assert.IsTrue(codes[i] == 0 || codes[i] == old[i]);
    }

    [TestMethod]
    [DataRow("int8", false)]
    [DataRow("int8", true)]
    [DataRow("int4", false)]
    [DataRow("int4:g8", true)]
    public void SaveAndLoad_FolderAndZip_ScoreAsTheDequantizedCopy(string text, bool compressed)
    {
        using var tiny = new TinyModel();
        using var folder = new TestFolder();
        using LanguageModel model = HuggingFaceModel.Open(tiny.Folder);
        var method = new Magnitude { Sparsity = 0.7, Quantization = WeightGrid.Parse(text) };
        using LanguageModel pruned = Pruner.Prune(model, method, context: PrunedModels.In(folder)).Model;
        using LanguageModel dense = pruned.Dequantized();
        double expected = Perplexity(dense);
        Assert.IsFalse(dense.Weights.Values.Any(w => w is QuantizedTensor));
        Assert.AreNotEqual(expected, Perplexity(model));
        Assert.AreEqual(expected, Perplexity(pruned));

        HuggingFaceModel.Save(pruned, folder["hf"], compressed);
        LanguageModelZip.Save(pruned, folder["m.zip"], overwrite: false);
        HuggingFaceModel.Save(dense, folder["dense"]);
        using LanguageModel fromFolder = HuggingFaceModel.Open(folder["hf"]);
        using LanguageModel fromZip = LanguageModelSource.Open(folder["m.zip"]);
        using LanguageModel fromDense = HuggingFaceModel.Open(folder["dense"]);
        Assert.AreEqual(expected, Perplexity(fromDense));
        foreach (LanguageModel loaded in new[] { fromFolder, fromZip })
        {
            Assert.AreEqual(expected, Perplexity(loaded));
            foreach ((string name, StoredTensor tensor) in pruned.Weights)
            {
                CollectionAssert.AreEqual(tensor.ToArray(), loaded.Weights[name].ToArray(), name);
                Assert.AreEqual(tensor is QuantizedTensor, loaded.Weights[name] is QuantizedTensor, name);
            }
        }

        // A second save writes the same files.
        HuggingFaceModel.Save(fromFolder, folder["again"], compressed);
        foreach (string file in new[] { "config.json", "model.safetensors" })
        {
            CollectionAssert.AreEqual(File.ReadAllBytes(Path.Combine(folder["hf"], file)),
                File.ReadAllBytes(Path.Combine(folder["again"], file)), file);
        }

        AssertAudit(pruned, Path.Combine(folder["hf"], "model.safetensors"), compressed);
    }

    [TestMethod]
    public void Save_Int4_DeclaresItselfAsCompressedTensorsDoes()
    {
        using var tiny = new TinyModel();
        using var folder = new TestFolder();
        using LanguageModel model = HuggingFaceModel.Open(tiny.Folder);
        var method = new RoundToNearest(new Int4Groups(8)) { ExcludeTensors = [Query] };
        using LanguageModel rounded = Pruner.Prune(model, method, context: PrunedModels.In(folder)).Model;
        HuggingFaceModel.Save(rounded, folder["hf"]);

        JsonNode declared = Declared(folder["hf"]);
        JsonNode expected = JsonNode.Parse("""
            {
              "quant_method": "compressed-tensors",
              "format": "pack-quantized",
              "quantization_status": "compressed",
              "config_groups": {
                "group_0": {
                  "targets": ["Linear"],
                  "weights": {
                    "num_bits": 4, "type": "int", "symmetric": true, "strategy": "group", "group_size": 8,
                    "dynamic": false
                  },
                  "input_activations": null,
                  "output_activations": null
                }
              },
              "ignore": ["model.layers.0.self_attn.q_proj", "lm_head"]
            }
            """)!;
        Assert.IsTrue(JsonNode.DeepEquals(expected, declared), declared.ToJsonString());
        Assert.AreEqual(RandomModel.Llama.Layers.Count, HuggingFaceModel.ReadSpec(
            HuggingFaceFolder.ReadConfig(Path.Combine(folder["hf"], "config.json"))).Layers.Count);
    }

    [TestMethod]
    public void Save_TwoGrids_NamesEachWeight()
    {
        using var tiny = new TinyModel();
        using var folder = new TestFolder();
        using LanguageModel model = HuggingFaceModel.Open(tiny.Folder);
        using LanguageModel first = Pruner.Prune(model,
            new RoundToNearest(new Int8PerRow()) { IncludeTensors = ["*mlp*"] },
            context: PrunedModels.In(folder)).Model;
        using LanguageModel both = Pruner.Prune(first,
            new RoundToNearest(new Int4Groups(8)) { IncludeTensors = ["*attn*", "embed*"] },
            context: PrunedModels.In(folder)).Model;
        HuggingFaceModel.Save(both, folder["hf"]);
        using LanguageModel loaded = HuggingFaceModel.Open(folder["hf"]);

        Assert.AreEqual(Perplexity(both), Perplexity(loaded));
        JsonNode declared = Declared(folder["hf"]);
        Assert.AreEqual("mixed-precision", (string?)declared["format"]);
        string[] targets = [.. declared["config_groups"]!["group_0"]!["targets"]!.AsArray().Select(t => (string)t!)];
        Assert.AreEqual("model.embed_tokens", targets[0]);
        Assert.HasCount(9, targets);
        Assert.AreEqual("int-quantized", (string?)declared["config_groups"]!["group_1"]!["format"]);
    }

    [TestMethod]
    [DataRow("\"num_bits\": 4", "\"num_bits\": 2", "num_bits' is 2; supported: 4, 8")]
    [DataRow("\"symmetric\": true", "\"symmetric\": false", "symmetric")]
    [DataRow("\"strategy\": \"group\"", "\"strategy\": \"block\"", "strategy")]
    [DataRow("\"group_size\": 8", "\"group_size\": 0", "group_size")]
    [DataRow("\"group_size\": 8", "\"group_size\": 16", "does not declare")]
    [DataRow("\"input_activations\": null", "\"input_activations\": { \"num_bits\": 8 }", "input_activations")]
    [DataRow("\"format\": \"pack-quantized\"", "\"format\": \"marlin-24\"", "format")]
    [DataRow("\"quant_method\": \"compressed-tensors\"", "\"quant_method\": \"gptq\"", "quantization_config")]
    public void Open_DeclarationOfAnotherGrid_IsRefused(string text, string replacement, string message)
    {
        using var tiny = new TinyModel();
        using var folder = new TestFolder();
        using LanguageModel model = HuggingFaceModel.Open(tiny.Folder);
        using (LanguageModel rounded = Pruner.Prune(
            model, new RoundToNearest(new Int4Groups(8)), context: PrunedModels.In(folder)).Model)
        {
            HuggingFaceModel.Save(rounded, folder["hf"]);
        }

        string config = Path.Combine(folder["hf"], "config.json");
        string json = File.ReadAllText(config);
        StringAssert.Contains(json, text);
        File.WriteAllText(config, json.Replace(text, replacement, StringComparison.Ordinal));
        ModelFormatException error =
            Assert.ThrowsExactly<ModelFormatException>(() => HuggingFaceModel.Open(folder["hf"]));
        StringAssert.Contains(error.Message, message);
    }

    [TestMethod]
    public void Save_Gpt2_RefusesTheFolderAndTakesTheZip()
    {
        ModelSpec spec = new()
        {
            Family = "gpt2",
            VocabularySize = 40,
            HiddenSize = 16,
            ContextLength = 32,
            Layers = [RandomModel.Layer(4, 4, 4, 24)],
            Norm = NormKind.LayerNorm,
            Positions = PositionKind.Learned,
            GatedMlp = false,
            QueryKeyValueBias = true,
            OutputBias = true,
            MlpBias = true,
            TiedHead = true,
        };
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(spec);
        using LanguageModel rounded = Pruner.Prune(
            model, new RoundToNearest(new Int8PerRow()), context: PrunedModels.In(folder)).Model;
        NotSupportedException error =
            Assert.ThrowsExactly<NotSupportedException>(() => HuggingFaceModel.Save(rounded, folder["hf"]));
        StringAssert.Contains(error.Message, "--dequantize");
        Assert.AreEqual(error.Message, Assert.ThrowsExactly<NotSupportedException>(
            () => HuggingFaceModel.RequireQuantizable(spec)).Message);
        Assert.IsFalse(Directory.Exists(folder["hf"]));

        LanguageModelZip.Save(rounded, folder["m.zip"], overwrite: false);
        using LanguageModel loaded = LanguageModelSource.Open(folder["m.zip"]);
        Assert.AreEqual(rounded.ContentHash, loaded.ContentHash);
        Assert.IsInstanceOfType<QuantizedTensor>(loaded.Weights[Query]);
    }

    [TestMethod]
    [DataRow("int8")]
    [DataRow("int4:g8")]
    [DataRow(null)]
    public void Plan_Bytes_AreThoseOfTheFile(string? grid)
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(RandomModel.Llama with
        {
            Layers = [RandomModel.Layer(4, 2, 4, 600)],
        }, type: TensorType.BF16);
        var method = new Magnitude { Sparsity = 0.7, Quantization = grid is null ? null : WeightGrid.Parse(grid) };
        PruningResult result = Pruner.Prune(model, method, context: PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        SizeAudit audit = SizeAudit.Of(pruned);

        // Each packed tensor has its shape beside it: 16 bytes. The file saves a byte for what rounds to zero as well.
        long shapes = grid == "int4:g8" ? 16 * result.Report.Tensors.Count : 0;
        long extra = grid == "int8" ? result.Report.Tensors.Sum(t => t.RoundedToZero) : 0;
        Assert.AreEqual(2 * model.Spec.ParameterCount, result.Plan.BytesBefore);
        Assert.AreEqual(audit.DenseBytes - shapes, result.Plan.BytesAfter);
        long compressed = audit.CompressedBytes - shapes;
        Assert.IsInRange(compressed, compressed + extra, result.Plan.BytesCompressed);
        Assert.AreEqual(result.Report.Tensors.Sum(t => t.Bytes),
            audit.Tensors.Where(t => result.Report.Tensors.Any(r => r.Name == t.Name)).Sum(t => t.DenseBytes));
        JsonObject json = result.Plan.ToJson();
        Assert.AreEqual(grid, (string?)json["quantization"]);
        Assert.AreEqual(result.Plan.BytesAfter, (long)json["bytes"]!["after"]!);
    }

    [TestMethod]
    public void RoundToNearest_WithSparsity_IsRefused()
    {
        var method = new RoundToNearest(new Int8PerRow()) { Sparsity = 0.5 };
        Assert.ThrowsExactly<ArgumentException>(() => method.Plan(RandomModel.Llama));
    }

    [TestMethod]
    public void Plan_GridAndNonFiniteWeights_IsRefused()
    {
        var method = new Magnitude { Quantization = new Int8PerRow(), AllowNonFinite = true };
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => method.Plan(RandomModel.Llama)).Message, "NaN");
    }

    private static JsonNode Declared(string folder) =>
        HuggingFaceFolder.ReadConfig(Path.Combine(folder, "config.json"))["quantization_config"]!;

    private static double Perplexity(LanguageModel model) => PerplexityEvaluator.Evaluate(
        model, TinyModel.Texts, 16, EngineKind.Torch).Perplexity;

    // The audit's bytes are those of the file but for its header.
    private static void AssertAudit(LanguageModel model, string file, bool compressed)
    {
        SizeAudit audit = SizeAudit.Of(model);
        using SafetensorsFile opened = SafetensorsFile.Open(file);
        Assert.AreEqual(
            opened.Tensors.Values.Sum(t => t.ByteLength), compressed ? audit.CompressedBytes : audit.DenseBytes);
        Assert.AreEqual("F32", audit.Tensors[0].Type);
        StringAssert.StartsWith(audit.Tensors.Single(t => t.Name == Query).Type, "int");
    }
}
