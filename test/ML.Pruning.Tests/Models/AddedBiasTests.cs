using System.Text.Json.Nodes;
using Microsoft.ML;
using ML.Pruning.Checkpoints;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Models.Torch;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Models;

/// <summary>Biases that a method adds to some linear maps of some layers.</summary>
[TestClass]
public sealed class AddedBiasTests
{
    private static readonly string[] s_tail = [TensorNames.Output, TensorNames.Down];
    private static readonly ModelSpec s_biased = RandomModel.Llama.WithAddedBiases(1, s_tail);

    [TestMethod]
    public void WithAddedBiases_TwoMaps_AddsTheirParametersAndNothingElse()
    {
        string[] added = [.. s_biased.Parameters().Select(p => p.Name)
            .Except(RandomModel.Llama.Parameters().Select(p => p.Name))];
        CollectionAssert.AreEqual(
            new[] { "layers.1.self_attn.o_proj.bias", "layers.1.mlp.down_proj.bias" }, added);
        Assert.AreEqual(RandomModel.Llama.ParameterCount + 2 * 16, s_biased.ParameterCount);
        Assert.AreEqual(RandomModel.Llama.MultiplyAccumulates(7), s_biased.MultiplyAccumulates(7));
    }

    [TestMethod]
    public void WithAddedBiases_MapsThatHaveOne_ChangesNothing()
    {
        ModelSpec gpt2 = FamilyRegistry.ReadConfig(new JsonObject { ["model_type"] = "gpt2" });
        ModelSpec same = gpt2.WithAddedBiases(3, s_tail);
        CollectionAssert.AreEqual(gpt2.Layers.ToArray(), same.Layers.ToArray());
        Assert.IsTrue(same.IsUniform);
        Assert.AreEqual(LinearParts.None, same.Layers[3].AddedBiases);
    }

    [TestMethod]
    public void WithAddedBiases_UnknownMap_NamesIt()
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => RandomModel.Llama.WithAddedBiases(0, ["mlp.fc"]));
        StringAssert.Contains(e.Message, "mlp.fc");
    }

    [TestMethod]
    public void IsUniform_EqualAddedBiasesInEveryLayer_IsFalse()
    {
        ModelSpec spec = s_biased.WithAddedBiases(0, s_tail);
        Assert.AreEqual(spec.Layers[0], spec.Layers[1]);
        Assert.IsFalse(spec.IsUniform);
    }

    [TestMethod]
    public void FromJson_AddedBiases_AreRead()
    {
        Assert.AreEqual(LinearParts.Output | LinearParts.Down,
            ModelSpec.FromJson(s_biased.ToJson()).Layers[1].AddedBiases);
        Assert.IsFalse(RandomModel.Llama.ToJson().Contains("addedBiases", StringComparison.Ordinal));
    }

    [TestMethod]
    public void Validate_BiasOfAGateThatIsNotThere_Throws()
    {
        LayerSpec layer = RandomModel.Llama.Layers[0] with { AddedBiases = LinearParts.Gate };
        ModelSpec spec = RandomModel.Llama with { GatedMlp = false, Layers = [layer] };
        StringAssert.Contains(Assert.ThrowsExactly<ModelFormatException>(() => spec.Validate()).Message, "Gate");
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Open_FolderOfABiasedModel_GivesTheSameLogits(bool compressed)
    {
        using var folder = new TestFolder();
        using LanguageModel model = Biased();
        HuggingFaceModel.Save(model, folder["model"], compressed);
        JsonNode shapes = HuggingFaceFolder.ReadConfig(Path.Combine(folder["model"], "config.json"))["layer_shapes"]!;
        Assert.IsNull(shapes[0]!["added_biases"]);
        Assert.AreEqual("""["self_attn.o_proj","mlp.down_proj"]""", shapes[1]!["added_biases"]!.ToJsonString());
        using LanguageModel read = HuggingFaceModel.Open(folder["model"]);
        CollectionAssert.AreEqual(Logits(model), Logits(read));
    }

    [TestMethod]
    public void Load_ZipOfABiasedModel_GivesTheSameLogits()
    {
        using var folder = new TestFolder();
        using LanguageModel model = Biased();
        HuggingFaceModel.Save(model, folder["model"]);
        var ml = new MLContext(1);
        IDataView data = ml.Data.LoadFromEnumerable(new[] { new { Text = "a" } });
        using (var fitted = (IDisposable)ml.Transforms.LoadLlm("Model", folder["model"]).Fit(data))
            ml.Model.Save((ITransformer)fitted, data.Schema, folder["model.zip"]);
        ITransformer loaded = ml.Model.Load(folder["model.zip"], out _);
        using var disposable = (IDisposable)loaded;
        IDataView rows = loaded.Transform(data);
        using DataViewRowCursor cursor = rows.GetRowCursor(rows.Schema);
        Assert.IsTrue(cursor.MoveNext());
        LanguageModel? read = null;
        cursor.GetGetter<LanguageModel>(rows.Schema["Model"])(ref read!);
        CollectionAssert.AreEqual(Logits(model), Logits(read));
    }

    [TestMethod]
    public void Logits_BiasOfTheLastMap_MovesTheResidualStreamByIt()
    {
        // The last map's bias reaches the final norm unchanged, so a bias of zeros gives the model without one.
        ModelSpec spec = RandomModel.Llama.WithAddedBiases(1, [TensorNames.Down]);
        using LanguageModel dense = RandomModel.Create(RandomModel.Llama);
        using LanguageModel zero = WithBias(dense, spec, new float[16]);
        using LanguageModel moved = WithBias(dense, spec, [.. Enumerable.Range(0, 16).Select(i => 0.1f * i)]);
        CollectionAssert.AreEqual(Logits(dense), Logits(zero));
        CollectionAssert.AreNotEqual(Logits(dense), Logits(moved));
    }

    [TestMethod]
    [DataRow("added_biases", "\"mlp.down_proj\"")]
    [DataRow("added_biases", "[\"down\"]")]
    [DataRow("added_biases", "[7]")]
    public void ReadConfig_AddedBiasesThatAreNone_NamesTheKey(string key, string value)
    {
        var config = new JsonObject { ["model_type"] = "llama" };
        FamilyRegistry.Get("llama").WriteConfig(s_biased, config);
        config["layer_shapes"]![1]![key] = JsonNode.Parse(value);
        var e = Assert.ThrowsExactly<ModelFormatException>(() => FamilyRegistry.ReadConfig(config));
        StringAssert.Contains(e.Message, "layer_shapes[1].added_biases");
        StringAssert.Contains(e.Message, "mlp.down_proj");
    }

    [TestMethod]
    public void FromCanonical_OneBiasOfAStack_StandsAloneAndIsReadBack()
    {
        ModelSpec spec = (RandomModel.Llama with
        {
            Family = "gpt2",
            Layers = [RandomModel.Layer(4, 4, 4, 24)],
            Norm = NormKind.LayerNorm,
            Positions = PositionKind.Learned,
            GatedMlp = false,
            TiedHead = true,
        }).WithAddedBiases(0, [TensorNames.Value]);
        ModelFamily family = FamilyRegistry.Get("gpt2");
        using LanguageModel model = RandomModel.Create(spec);
        Dictionary<string, StoredTensor> files =
            WeightMap.FromCanonical(spec, family, model.Weights).ToDictionary(t => t.Name);
        Assert.IsTrue(files.ContainsKey("transformer.h.0.attn.c_attn.v_proj.bias"));
        Assert.IsFalse(files.Keys.Any(name => name.EndsWith("c_attn.bias", StringComparison.Ordinal)));
        IReadOnlyDictionary<string, StoredTensor> back = WeightMap.ToCanonical(spec, family, files);
        CollectionAssert.AreEqual(Values(model.Weights["layers.0.self_attn.v_proj.bias"]),
            Values(back["layers.0.self_attn.v_proj.bias"]));
    }

    private static LanguageModel Biased()
    {
        var config = new JsonObject
        {
            ["model_type"] = "llama",
            ["max_position_embeddings"] = 64,
            ["rms_norm_eps"] = s_biased.NormEpsilon,
        };
        FamilyRegistry.Get("llama").WriteConfig(s_biased, config);
        using LanguageModel random = RandomModel.Create(s_biased);
        return new LanguageModel(random.ToContent() with { ConfigJson = config.ToJsonString() });
    }

    private static LanguageModel WithBias(LanguageModel dense, ModelSpec spec, float[] bias)
    {
        string name = TensorNames.Bias(1, TensorNames.Down);
        Dictionary<string, StoredTensor> weights = dense.Weights.ToDictionary(w => w.Key, w => w.Value);
        weights[name] = new ArrayTensor(name, bias, [bias.Length]);
        return new LanguageModel(dense.ToContent() with { Spec = spec, Weights = weights });
    }

    private static float[] Values(StoredTensor tensor)
    {
        var values = new float[tensor.ElementCount];
        tensor.Read(0, values);
        return values;
    }

    private static float[] Logits(LanguageModel model)
    {
        int[] tokens = RandomModel.Tokens(model.Spec, 12);
        using var engine = new TorchEngine(model);
        var logits = new float[tokens.Length * model.Spec.VocabularySize];
        engine.Logits(tokens, 1, logits);
        return logits;
    }
}
