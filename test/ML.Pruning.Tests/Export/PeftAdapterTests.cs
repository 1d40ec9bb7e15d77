using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Recovery;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Export;

/// <summary>Adapters in PEFT's folder layout: names and settings as PEFT has them, there and back, and
/// damage.</summary>
[TestClass]
public class PeftAdapterTests
{
    [TestMethod]
    public void Save_Llama_HasPeftNamesAndSettings()
    {
        using var folder = new TestFolder();
        using LanguageModel model = TinyTraining.Model();
        using LanguageModel adapted = LoraTests.Adapted(model, dora: true);
        PeftAdapter.Save(adapted, folder["adapter"], baseModel: "some/model");
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder["adapter"], "adapter_model.safetensors"));
        Assert.HasCount(3 * 14, file.Tensors);
        const string down = "base_model.model.model.layers.1.mlp.down_proj";
        CollectionAssert.AreEqual(new long[] { 3, 24 }, file.Tensors[down + ".lora_A.weight"].Shape.ToArray());
        CollectionAssert.AreEqual(new long[] { 16, 3 }, file.Tensors[down + ".lora_B.weight"].Shape.ToArray());
        CollectionAssert.AreEqual(new long[] { 16 }, file.Tensors[down + ".lora_magnitude_vector"].Shape.ToArray());
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder["adapter"], "adapter_config.json")))!;
        Assert.AreEqual("LORA", (string)config["peft_type"]!);
        Assert.AreEqual(3, (int)config["r"]!);
        Assert.AreEqual(16.0, (double)config["lora_alpha"]!);
        Assert.IsTrue((bool)config["use_dora"]!);
        Assert.AreEqual("some/model", (string)config["base_model_name_or_path"]!);
        CollectionAssert.AreEquivalent(
            new[] { "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj" },
            config["target_modules"]!.AsArray().Select(t => (string)t!).ToArray());
        using LanguageModel again = PeftAdapter.Open(model, folder["adapter"]);
        Assert.AreEqual(adapted.ContentHash, again.ContentHash);
    }

    [TestMethod]
    [DataRow("llama")]
    [DataRow("gpt2")]
    public void Save_ModelFolder_IsOpenedWithItsAdapter(string type)
    {
        using var folder = new TestFolder();
        using LanguageModel dense = Model(type);
        using LanguageModel model =
            Pruner.Prune(dense, new Magnitude { Sparsity = 0.5 }, null, new PruningContext { TempFolder = folder.Path }).Model;
        using LanguageModel adapted = LoraTests.Adapted(model, dora: false);
        HuggingFaceModel.Save(adapted, folder["model"]);
        using LanguageModel opened = HuggingFaceModel.Open(folder["model"]);
        Assert.IsTrue(opened.Spec.Adapters.All(a => a.KeepsZeros));

        // GPT-2 has one module for queries, keys and values: one adapter of three times the rank, the same sum.
        Assert.AreEqual(type == "gpt2" ? 9 : 3, opened.Spec.Adapters[0].Rank);
        using LanguageModel expected = adapted.Merged(), got = opened.Merged(), bare = opened.WithoutAdapters();
        Assert.AreEqual(model.ContentHash, bare.ContentHash);
        foreach (ParameterSpec parameter in model.Spec.Parameters())
        {
            float[] left = expected.Weights[parameter.Name].ToArray(), right = got.Weights[parameter.Name].ToArray();
            for (int i = 0; i < left.Length; i++) Assert.AreEqual(left[i], right[i], 1e-6, parameter.Name);
        }
    }

    [TestMethod]
    public void Save_SomeLayersOnly_NamesThemInFull()
    {
        using var folder = new TestFolder();
        using LanguageModel model = TinyTraining.Model();
        using LanguageModel adapted = LoraAdapters.Attach(
            model, new LoraOptions { Targets = ["layers.1.self_attn.q_proj", "up_proj"], RsLora = true });
        PeftAdapter.Save(adapted, folder["adapter"]);
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder["adapter"], "adapter_config.json")))!;
        CollectionAssert.AreEquivalent(new[] { "model.layers.1.self_attn.q_proj", "up_proj" },
            config["target_modules"]!.AsArray().Select(t => (string)t!).ToArray());
        Assert.IsTrue((bool)config["use_rslora"]!);
        using LanguageModel again = PeftAdapter.Open(model, folder["adapter"]);
        Assert.AreEqual(adapted.ContentHash, again.ContentHash);
    }

    [TestMethod]
    public void Open_AlphaPattern_Counts()
    {
        using var folder = new TestFolder();
        using LanguageModel model = TinyTraining.Model();
        using LanguageModel adapted = LoraTests.Adapted(model, dora: false);
        Edit(folder, adapted, config => config["alpha_pattern"] = new JsonObject { ["layers.1.mlp.up_proj"] = 4.0 });
        using LanguageModel opened = PeftAdapter.Open(model, folder["adapter"]);
        Assert.AreEqual(4.0, opened.Spec.Adapters.Single(a => a is { Layer: 1, Part: TensorNames.Up }).Alpha);
        Assert.AreEqual(16.0, opened.Spec.Adapters.Single(a => a is { Layer: 0, Part: TensorNames.Up }).Alpha);
    }

    [TestMethod]
    public void Open_WhatIsNotUnderstood_IsRefusedByName()
    {
        using var folder = new TestFolder();
        using LanguageModel model = TinyTraining.Model();
        using LanguageModel adapted = LoraTests.Adapted(model, dora: false);
        void Expect(string message, Action<JsonObject> edit)
        {
            Edit(folder, adapted, edit);
            var error = Assert.ThrowsExactly<ModelFormatException>(() => PeftAdapter.Open(model, folder["adapter"]));
            StringAssert.Contains(error.Message, message);
        }

        Expect("'peft_type' is IA3; supported: LORA", c => c["peft_type"] = "IA3");
        Expect("'bias' is all", c => c["bias"] = "all");
        Expect("'modules_to_save' is [\"lm_head\"]", c => c["modules_to_save"] = new JsonArray("lm_head"));
        Expect("'lora_alpha' is missing", c => c.Remove("lora_alpha"));
        Expect("the pattern \"(\"", c => c["alpha_pattern"] = new JsonObject { ["("] = 1 });
        Expect("no tensor 'base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector'",
            c => c["use_dora"] = true);
        using LanguageModel other = RandomModel.Create(RandomModel.Llama with
        {
            Layers = [RandomModel.Layer(4, 2, 4, 20), RandomModel.Layer(4, 2, 4, 20)],
        });
        Edit(folder, adapted, _ => { });
        var error = Assert.ThrowsExactly<ModelFormatException>(() => PeftAdapter.Open(other, folder["adapter"]));
        StringAssert.Contains(error.Message, "gate_proj.lora_B.weight' has shape [24, 3]; the model calls for [20, 3]");
        Assert.ThrowsExactly<FileNotFoundException>(() => PeftAdapter.Open(model, folder["nowhere"]));
    }

    private static void Edit(TestFolder folder, LanguageModel adapted, Action<JsonObject> edit)
    {
        PeftAdapter.Save(adapted, folder["adapter"], overwrite: true);
        string path = Path.Combine(folder["adapter"], "adapter_config.json");
        JsonObject config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        edit(config);
        File.WriteAllText(path, config.ToJsonString());
    }

    private static LanguageModel Model(string type) => type == "llama"
        ? TinyTraining.Model()
        : LanguageModelInitializer.Create("""
            { "model_type": "gpt2", "n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": 40, "n_positions": 32,
              "n_ctx": 32, "bos_token_id": 1, "eos_token_id": 2 }
            """, seed: 3);
}
