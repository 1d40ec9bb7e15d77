using ML.Pruning.Calibration;
using ML.Pruning.Export;
using ML.Pruning.Importance;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Pruning;
using ML.Pruning.Pruning.Structured;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning.Structured;

/// <summary>What a method makes smaller is written as a folder, reloads, generates and is pruned again.</summary>
[TestClass]
public sealed class PrunedFolderTests
{
    private static readonly CalibrationOptions s_calibration = new() { Samples = 4, SequenceLength = 16 };
    private static readonly ModelSpec s_spec =
        TinyModel.Spec with { Layers = [.. Enumerable.Repeat(TinyModel.Spec.Layers[0], 4)] };

    private static readonly Dictionary<string, PruningMethod> s_methods = new()
    {
        ["llm-pruner"] = new LlmPruner { Ratio = 0.5, Calibration = s_calibration },
        ["channels"] = new LlmPruner { Granularity = PruningGranularity.Channel, Importance = GroupImportance.L2 },
        ["neurons"] = new LlmPruner { Ratio = 0.2, Importance = GroupImportance.L1 },
        ["flap"] = new Flap { Ratio = 0.3, Calibration = s_calibration },
        ["slicegpt"] = new SliceGpt { Ratio = 0.25, RoundTo = 4, Calibration = s_calibration },
        ["shortgpt"] = new ShortGpt { Count = 1, Calibration = s_calibration },
        ["width"] = new WidthPruning { MlpWidth = 16, HiddenSize = 12, RoundTo = 4, Calibration = s_calibration },
        ["head"] = new WidthPruning { KeyValueHeads = 1, RoundTo = 4, Calibration = s_calibration },
        ["wanda"] = new Wanda { Calibration = s_calibration },
    };

    [TestMethod]
    [DataRow("llm-pruner", "channels")]
    [DataRow("flap", "neurons")]
    [DataRow("flap", "flap")]
    [DataRow("slicegpt", "neurons")]
    [DataRow("slicegpt", "wanda")]
    [DataRow("shortgpt", "shortgpt")]
    [DataRow("width", "head")]
    public void Save_PrunedModel_ReloadsGeneratesAndIsPrunedAgain(string once, string twice)
    {
        using var folder = new TestFolder();
        using var tiny = new TinyModel(s_spec);
        using LanguageModel model = HuggingFaceModel.Open(tiny.Folder);
        using LanguageModel reloaded = PruneAndReload(model, once, folder);
        using LanguageModel again = PruneAndReload(reloaded, twice, folder);
        Assert.HasCount(2, again.Provenance);
    }

    private static LanguageModel PruneAndReload(LanguageModel model, string method, TestFolder folder)
    {
        PruningResult result = Pruner.Prune(model, s_methods[method], TinyModel.Texts, PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        if (result.Report.Structure is { } structure)
            Assert.AreNotEqual(structure.Before.ParameterCount, structure.After.ParameterCount);
        string place = folder[$"{method}-{pruned.Provenance.Count}"];
        HuggingFaceModel.Save(pruned, place);
        LanguageModel reloaded = HuggingFaceModel.Open(place);
        Assert.AreEqual(pruned.Spec.ParameterCount, reloaded.Spec.ParameterCount);
        int[] tokens = RandomModel.Tokens(pruned.Spec, 12);
        using var before = new TorchEngine(pruned);
        using var after = new TorchEngine(reloaded);
        CollectionAssert.AreEqual(
            Logits.Of(before, pruned.Spec, tokens), Logits.Of(after, reloaded.Spec, tokens));
        var generator = new TextGenerator(reloaded, new GenerationOptions { MaxNewTokens = 4 });
        Assert.HasCount(4, generator.Generate("ab").NewTokens);
        return reloaded;
    }
}
