using System.Text.Json.Nodes;
using ML.Pruning.Samples.EmbeddedModel;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Samples;

/// <summary>A vocabulary learned from a text short enough to count by hand.</summary>
[TestClass]
public class BytePairLearnerTests
{
    private const int SpecialsAndBytes = 259;

    [TestMethod]
    public void Learn_ThreeWords_MergesTheCommonestPairs()
    {
        // Words ▁ab x3, ▁abc x1, ▁bc x1; a|b and ▁|a 4 times each, then ▁|ab 4, b|c 1 (a merged b is no b).
        // Ordinal order puts a before ▁, so a|b is first.
        byte[] json = BytePairLearner.Learn(["ab ab ab abc bc"], SpecialsAndBytes + 4 + 3);
        JsonNode model = JsonNode.Parse(json)!["model"]!;
        CollectionAssert.AreEqual(
            new[] { "a b", "▁ ab", "b c" }, model["merges"]!.AsArray().Select(m => (string)m!).ToArray());
        Assert.AreEqual(SpecialsAndBytes + 4 + 3, model["vocab"]!.AsObject().Count);
        Assert.AreEqual(SpecialsAndBytes + 4 + 1, (int)model["vocab"]!["▁ab"]!);
    }

    [TestMethod]
    public void Learn_Stories_GivesATokenizerThatKeepsEveryText()
    {
        string[] stories = [.. StoryGrammar.Write(50, seed: 3)];
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Parse(BytePairLearner.Learn(stories, 512));
        Assert.AreEqual(512, tokenizer.VocabularySize);
        foreach (string text in stories.Concat(["Größe: 3 µm, 東京 \U0001F600", "two  spaces", ""]))
            Assert.AreEqual(text, tokenizer.DecodeTokens(tokenizer.EncodeData(text)));
        Assert.IsLessThan(stories.Sum(s => s.Length) / 2, stories.Sum(s => tokenizer.EncodeData(s).Count));
    }

    [TestMethod]
    public void Learn_Stories_MergesNeitherAcrossSpacesNorPunctuation()
    {
        JsonNode json = JsonNode.Parse(BytePairLearner.Learn(StoryGrammar.Write(50, seed: 3), 512))!;
        string[] merged = [.. json["model"]!["merges"]!.AsArray().Select(m => ((string)m!).Replace(" ", ""))];
        Assert.IsNotEmpty(merged);
        foreach (string symbol in merged)
            Assert.IsTrue(symbol.TrimStart('▁').All(char.IsLetterOrDigit) && symbol.LastIndexOf('▁') < 1, symbol);
    }

    [TestMethod]
    public void Learn_VocabularyTooSmall_SaysHowMuchIsNeeded()
    {
        var error = Assert.ThrowsExactly<ArgumentException>(() => BytePairLearner.Learn(["abc"], 100));
        StringAssert.Contains(error.Message, $"{SpecialsAndBytes + 4}");
    }
}
