using System.Text.Json.Nodes;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Pruning;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Tool;

/// <summary>The tool on families other than LLaMA, and on damaged weights.</summary>
[TestClass]
public sealed class ToolFamilyTests
{
    [TestMethod]
    public void PlanInspectPrune_Gpt2AndOpt_CountWhatTheSpecSays()
    {
        using var folder = new TestFolder();
        foreach (string config in (string[])
            [
                """
                { "model_type": "gpt2", "n_embd": 16, "n_head": 4, "n_layer": 2, "n_positions": 32, "vocab_size": 40 }
                """,
                """
                { "model_type": "opt", "hidden_size": 16, "num_attention_heads": 4, "num_hidden_layers": 2,
                  "ffn_dim": 24, "max_position_embeddings": 32, "vocab_size": 40, "bos_token_id": 2, "eos_token_id": 2 }
                """,
            ])
        {
            ModelSpec spec = FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig(config));
            string model = folder[spec.Family], pruned = folder[spec.Family + "-pruned"];
            using (LanguageModel random = RandomModel.Create(spec))
            using (var complete = new LanguageModel(random.ToContent() with { ConfigJson = config }))
                HuggingFaceModel.Save(complete, model);

            string bare = Path.Combine(model, "config.json");
            JsonObject plan = ToolProcess.Run("plan", bare, "--method", "magnitude", "--json").Json();
            Assert.AreEqual(spec.ParameterCount, (long)plan["parameters"]!["before"]!);
            Assert.AreEqual(spec.MultiplyAccumulates(64), (long)plan["macs"]!["before"]!);
            ToolProcess done = ToolProcess.Run("prune", model, "--output", pruned, "--method", "magnitude");
            Assert.AreEqual(0, done.ExitCode, done.Errors);
            JsonObject inspected = ToolProcess.Run("inspect", pruned, "--json").Json();
            Assert.AreEqual(spec.Family, (string)inspected["family"]!);
            Assert.AreEqual(spec.ParameterCount, (long)inspected["parameters"]!);
            Assert.AreEqual(spec.Parameters().Where(p => p.Role == ParameterRole.Linear).Sum(p => p.Count) / 2,
                (long)inspected["zeros"]! - Zeros(model));
        }
    }

    [TestMethod]
    public void Prune_WeightThatIsNaN_IsRefusedUnlessAllowed()
    {
        using var folder = new TestFolder();
        using var tiny = new TinyModel();
        string name = TensorNames.Weight(1, TensorNames.Down), broken = folder["broken"], pruned = folder["pruned"];
        using (LanguageModel model = HuggingFaceModel.Open(tiny.Folder))
        {
            float[] weight = model.Weights[name].ToArray();
            weight[30] = float.NaN;
            using LanguageModel damaged = PrunedModels.With(model, new Dictionary<string, float[]> { [name] = weight });
            HuggingFaceModel.Save(damaged, broken);
        }

        ToolProcess refused = ToolProcess.Run("prune", broken, "--output", pruned, "--method", "magnitude");
        Assert.AreEqual(2, refused.ExitCode, refused.Errors);
        StringAssert.Contains(refused.Errors, $"'{name}' has the value NaN at [1, 6]");
        Assert.IsFalse(Directory.Exists(pruned));
        ToolProcess done = ToolProcess.Run(
            "prune", broken, "--output", pruned, "--method", "magnitude", "--allow-nonfinite");
        Assert.AreEqual(0, done.ExitCode, done.Errors);
        StringAssert.Contains(done.Errors, "were kept");
        using LanguageModel kept = HuggingFaceModel.Open(pruned);
        Assert.IsTrue(float.IsNaN(kept.Weights[name].ToArray()[30]));
    }

    private static long Zeros(string model)
    {
        using LanguageModel opened = HuggingFaceModel.Open(model);
        return opened.Weights.Values.Sum(tensor => (long)tensor.ToArray().Count(w => w == 0));
    }
}
