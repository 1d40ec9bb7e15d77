using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Inference;

/// <summary>Golden: the published greedy sample of stories260K. Properties: streaming, stopping, seeds.</summary>
[TestClass]
public sealed class TextGeneratorTests
{
    private const string Published = "Once upon a time, there was a little girl named Lily. She loved to play outside "
        + "in the park. One day, she saw a big, red ball. She wanted to play with it, but it was too high.\nLily's mom "
        + "said, \"Lily, let's go to the park.\" Lily was sad and didn't know what to do. She said, \"I want to play "
        + "with your ball, but";

    [TestMethod]
    public void Generate_GreedyFromBos_IsThePublishedSample()
    {
        using LanguageModel model = SharedModels.Open("stories260K");
        GenerationResult result = new TextGenerator(model, new GenerationOptions { MaxNewTokens = 200 }).Generate("");
        StringAssert.StartsWith(result.Text, Published);
        Assert.HasCount(200, result.NewTokens);
        Assert.AreEqual(StopReason.MaxTokens, result.StopReason);
    }

    [TestMethod]
    public void Generate_Prompt_ContinuesTheSampleFromThere()
    {
        using LanguageModel model = SharedModels.Open("stories260K");
        var generator = new TextGenerator(model, new GenerationOptions { MaxNewTokens = 30 });
        GenerationResult result = generator.Generate(Published[..53]);
        Assert.StartsWith(result.Text, Published);
        Assert.IsGreaterThan(100, result.Text.Length);
    }

    [TestMethod]
    public void Generate_PromptWithSpecialToken_RecognisesAndHidesIt()
    {
        using LanguageModel model = SharedModels.Open("stories260K");
        var generator = new TextGenerator(model, new GenerationOptions { MaxNewTokens = 20 });
        Assert.AreEqual(generator.Generate("").Text, generator.Generate("<s>").Text);
    }

    [TestMethod]
    public void Generate_PromptWithUnusualSpaces_ShowsThemAsWritten()
    {
        using LanguageModel model = SharedModels.Open("docs-6m");
        const string prompt = "The  LORD\tsaid \uFFFD";
        var generator = new TextGenerator(model, new GenerationOptions { MaxNewTokens = 8 });
        string text = generator.Generate(prompt).Text;
        StringAssert.StartsWith(text, prompt);
        Assert.AreNotEqual('\uFFFD', text[prompt.Length]);
    }

    [TestMethod]
    public void Stream_Pieces_JoinToTheText()
    {
        using LanguageModel model = SharedModels.Open("stories260K");
        var generator = new TextGenerator(model, new GenerationOptions { MaxNewTokens = 40 });
        var told = new List<string>();
        string text = generator.Generate("Once", told.Add).Text;
        Assert.AreEqual(text, string.Concat(told));
        Assert.AreEqual(text, string.Concat(generator.Stream("Once")));
        Assert.IsGreaterThan(10, told.Count);
    }

    [TestMethod]
    public void Generate_Sampling_DependsOnTheSeedAlone()
    {
        using LanguageModel model = SharedModels.Open("stories260K");
        string[] texts = [.. new[] { 1, 1, 2 }.Select(seed => new TextGenerator(
            model, new GenerationOptions { MaxNewTokens = 40, Temperature = 1, Seed = seed }).Generate("Once").Text)];
        Assert.AreEqual(texts[0], texts[1]);
        Assert.AreNotEqual(texts[0], texts[2]);
    }

    [TestMethod]
    public void Generate_ToTheContext_StopsThere()
    {
        using LanguageModel model = SharedModels.Open("stories260K");
        var options = new GenerationOptions { MaxNewTokens = 10_000, StopTokenIds = [] };
        GenerationResult result = new TextGenerator(model, options).Generate("");
        Assert.AreEqual(StopReason.ContextFull, result.StopReason);
        Assert.HasCount(model.Spec.ContextLength - 1, result.NewTokens);
    }

    [TestMethod]
    public void Generate_StopToken_EndsAndIsNotInTheText()
    {
        using LanguageModel model = SharedModels.Open("stories260K");
        IReadOnlyList<int> tokens =
            new TextGenerator(model, new GenerationOptions { MaxNewTokens = 30 }).Generate("").NewTokens;
        int stop = tokens[20];
        int expected = tokens.ToList().IndexOf(stop);
        GenerationResult result =
            new TextGenerator(model, new GenerationOptions { StopTokenIds = [stop] }).Generate("");
        Assert.AreEqual(StopReason.EndOfText, result.StopReason);
        CollectionAssert.AreEqual(tokens.Take(expected).ToArray(), result.NewTokens.ToArray());
    }

    [TestMethod]
    public void Generate_PromptLongerThanTheContext_Throws()
    {
        using LanguageModel model = SharedModels.Open("stories260K");
        var generator = new TextGenerator(model);
        ArgumentException error = Assert.Throws<ArgumentException>(
            () => generator.Generate(string.Concat(Enumerable.Repeat("Once upon a time. ", 200))));
        StringAssert.Contains(error.Message, "context is 512");
    }

    [TestMethod]
    public void Generate_Cancelled_Stops()
    {
        using LanguageModel model = SharedModels.Open("stories260K");
        using var source = new CancellationTokenSource();
        var generator = new TextGenerator(model);
        Assert.Throws<OperationCanceledException>(
            () => generator.Generate("Once", _ => source.Cancel(), source.Token));
    }

    [TestMethod]
    [DataRow(0, 0.0, -1)]
    [DataRow(1, -0.1, -1)]
    [DataRow(1, double.NaN, -1)]
    [DataRow(1, double.PositiveInfinity, -1)]
    [DataRow(1, 0.0, 512)]
    public void Constructor_OptionOutOfRange_Throws(int maxNewTokens, double temperature, int stop)
    {
        using LanguageModel model = SharedModels.Open("stories260K");
        var options = new GenerationOptions
        {
            MaxNewTokens = maxNewTokens,
            Temperature = temperature,
            StopTokenIds = stop < 0 ? null : [stop],
        };
        Assert.Throws<ArgumentException>(() => new TextGenerator(model, options));
    }
}
