using System.Text;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Inference;

/// <summary>Property: a prompt among others gives what it gives alone.</summary>
[TestClass]
public sealed class BatchGenerationTests
{
    // 63 bytes leave room for no more than one token, 64 with BOS for none.
    private static readonly string[] s_prompts =
    [
        "The quick brown fox", "", "a", "jumps over the lazy dog and on and on", "a", new string('x', 62),
        new string('y', 63), "Zwölf",
    ];

    private static readonly Dictionary<string, ModelSpec> s_specs = new()
    {
        ["rotary"] = TinyModel.Spec,
        ["learned"] = TinyModel.Spec with { Positions = PositionKind.Learned, PositionOffset = 2 },
        ["window"] = TinyModel.Spec with { SlidingWindow = 5 },
        ["layer norm"] = TinyModel.Spec with { Norm = NormKind.LayerNorm, GatedMlp = false, QueryKeyValueBias = true },
    };

    public static IEnumerable<object[]> Specs => s_specs.Keys.Select(name => new object[] { name });

    [TestMethod]
    [DynamicData(nameof(Specs))]
    public void Generate_SeveralPromptsGreedily_EachAsAlone(string name)
    {
        using LanguageModel model = Create(s_specs[name]);
        var generator = new TextGenerator(model, new GenerationOptions { MaxNewTokens = 50 });
        GenerationResult[] alone = [.. s_prompts.Select(prompt => generator.Generate(prompt))];
        Expect(alone, generator.Generate(s_prompts));

        // The rows must end at different times for the test to mean something.
        Assert.IsGreaterThan(3, alone.Select(result => result.NewTokens.Count).Distinct().Count());
        Assert.Contains(StopReason.ContextFull, alone.Select(result => result.StopReason));
        Assert.Contains(StopReason.MaxTokens, alone.Select(result => result.StopReason));
    }

    [TestMethod]
    public void Generate_PenaltyAndStops_EachAsAlone()
    {
        using LanguageModel model = Create(TinyModel.Spec);
        var plain = new TextGenerator(model, new GenerationOptions { MaxNewTokens = 30, RepetitionPenalty = 1.3 });
        int stop = plain.Generate("a").NewTokens[9];
        var generator = new TextGenerator(model, new GenerationOptions
        {
            MaxNewTokens = 30,
            RepetitionPenalty = 1.3,
            StopTokenIds = [stop],
        });
        GenerationResult[] alone = [.. s_prompts.Select(prompt => generator.Generate(prompt))];
        Assert.AreEqual(StopReason.EndOfText, alone[2].StopReason);
        Expect(alone, generator.Generate(s_prompts));
    }

    [TestMethod]
    public void Generate_SampledPrompts_DependOnSeedAndIndexAlone()
    {
        using LanguageModel model = Create(TinyModel.Spec);
        var generator = new TextGenerator(
            model, new GenerationOptions { MaxNewTokens = 20, Temperature = 1, TopP = 0.95, Seed = 3 });
        IReadOnlyList<GenerationResult> first = generator.Generate(["Once", "Once", "Once"]);
        Assert.HasCount(3, first.Select(result => string.Join(' ', result.NewTokens)).Distinct().ToArray());
        Expect([generator.Generate("Once")], [first[0]]);
        Expect([first[1]], [generator.Generate(["Another", "Once"])[1]]);
        Expect([first[2]], [generator.Generate(["", new string('x', 62), "Once", "more"])[2]]);
    }

    [TestMethod]
    public void Generate_ScriptedModel_EveryRowCountsPositionsFromItsOwnStart()
    {
        const string script = "0123456789abcdef";
        using LanguageModel model = ScriptedModel.Create(script);
        IReadOnlyList<GenerationResult> results = new TextGenerator(model).Generate(["", "-----", "--", script]);
        string[] expected = [script, "-----56789abcdef", "--23456789abcdef", script];
        CollectionAssert.AreEqual(expected, results.Select(result => result.Text).ToArray());
    }

    [TestMethod]
    public void Generate_TrainedModel_EachAsAlone()
    {
        using LanguageModel model = SharedModels.Open("stories260K");
        var generator = new TextGenerator(
            model, new GenerationOptions { MaxNewTokens = 60, StopSequences = ["named"] });
        string[] prompts = ["Once upon a time", "", "Lily went to the park and saw a big red", "Tom", "The dog"];
        GenerationResult[] alone = [.. prompts.Select(prompt => generator.Generate(prompt))];
        Assert.AreEqual(StopReason.StopSequence, alone[0].StopReason);
        Expect(alone, generator.Generate(prompts));
    }

    [TestMethod]
    public void Generate_NoPrompts_GivesNothing()
    {
        using LanguageModel model = Create(TinyModel.Spec);
        Assert.IsEmpty(new TextGenerator(model).Generate([]));
    }

    [TestMethod]
    public void Generate_WrongPrompt_ThrowsAndSaysWhich()
    {
        using LanguageModel model = Create(TinyModel.Spec);
        var generator = new TextGenerator(model);
        ArgumentException error =
            Assert.Throws<ArgumentException>(() => generator.Generate(["a", new string('x', 64)]));
        StringAssert.Contains(error.Message, "Prompt 1 has 65");
        error = Assert.Throws<ArgumentNullException>(() => generator.Generate(["a", "b", null!]));
        StringAssert.Contains(error.Message, "Prompt 2 is null");
    }

    [TestMethod]
    public void Generate_Cancelled_Stops()
    {
        using LanguageModel model = Create(TinyModel.Spec);
        Assert.Throws<OperationCanceledException>(
            () => new TextGenerator(model).Generate(["a", "b"], new CancellationToken(canceled: true)));
    }

    private static LanguageModel Create(ModelSpec spec) => RandomModel.Create(
        spec, tokenizer: HuggingFaceTokenizer.Parse(Encoding.UTF8.GetBytes(TinyModel.ByteTokenizer())));

    private static void Expect(IReadOnlyList<GenerationResult> expected, IReadOnlyList<GenerationResult> got)
    {
        Assert.HasCount(expected.Count, got);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.AreEqual(expected[i].Text, got[i].Text, $"Prompt {i}.");
            CollectionAssert.AreEqual(expected[i].NewTokens.ToArray(), got[i].NewTokens.ToArray(), $"Prompt {i}.");
            Assert.AreEqual(expected[i].StopReason, got[i].StopReason, $"Prompt {i}.");
        }
    }
}
