using System.Text;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Inference;

/// <summary>Stop sequences on a model that says a known text, one byte a token.</summary>
[TestClass]
public sealed class StopSequenceTests
{
    private const string Script = "Grüße an alle Bären 🐻! Ende. Weiter";

    [TestMethod]
    public void Generate_NoStopSequence_SaysTheWholeText()
    {
        using LanguageModel model = ScriptedModel.Create(Script);
        GenerationResult result = new TextGenerator(model).Generate("");
        Assert.AreEqual(Script, result.Text);
        Assert.AreEqual(StopReason.EndOfText, result.StopReason);
    }

    [TestMethod]
    [DataRow("Ende.", "Grüße an alle Bären 🐻! ")]
    [DataRow("üß", "Gr")]
    [DataRow("🐻!", "Grüße an alle Bären ")]
    [DataRow("G", "")]
    [DataRow("Weiter", "Grüße an alle Bären 🐻! Ende. ")]
    public void Stream_StopSequenceOverSeveralTokens_NothingOfItLeaks(string stop, string expected)
    {
        using LanguageModel model = ScriptedModel.Create(Script);
        var options = new GenerationOptions { StopSequences = ["never", stop] };
        var generator = new TextGenerator(model, options);
        var pieces = new List<string>();
        GenerationResult result = generator.Generate("", pieces.Add);
        Assert.AreEqual(expected, result.Text);
        Assert.AreEqual(expected, string.Concat(pieces));
        Assert.AreEqual(expected, string.Concat(generator.Stream("")));
        Assert.AreEqual(StopReason.StopSequence, result.StopReason);

        // Not a token more than the sequence needs.
        Assert.AreEqual(Encoding.UTF8.GetByteCount(expected + stop), result.NewTokens.Count);
    }

    [TestMethod]
    public void Generate_StopSequenceInThePrompt_IsNotSearchedThere()
    {
        using LanguageModel model = ScriptedModel.Create("abcabc");
        var generator = new TextGenerator(model, new GenerationOptions { StopSequences = ["bc"] });
        GenerationResult result = generator.Generate("abc");
        Assert.AreEqual("abca", result.Text);
        Assert.AreEqual(StopReason.StopSequence, result.StopReason);
    }

    [TestMethod]
    public void Generate_SequenceBegunAtTheEnd_IsGivenOut()
    {
        using LanguageModel model = ScriptedModel.Create("abcEN");
        var options = new GenerationOptions { StopSequences = ["END"] };
        Assert.AreEqual("abcEN", new TextGenerator(model, options).Generate("").Text);
        GenerationResult cut = new TextGenerator(model, options with { MaxNewTokens = 4 }).Generate("");
        Assert.AreEqual("abcE", cut.Text);
        Assert.AreEqual(StopReason.MaxTokens, cut.StopReason);
    }

    [TestMethod]
    public void Generate_StopSequenceWithTheLastToken_IsTheReason()
    {
        using LanguageModel model = ScriptedModel.Create("abcdef");
        GenerationResult result = new TextGenerator(
            model, new GenerationOptions { StopSequences = ["cd"], MaxNewTokens = 4 }).Generate("");
        Assert.AreEqual("ab", result.Text);
        Assert.AreEqual(StopReason.StopSequence, result.StopReason);
    }
}
