using System.Globalization;
using System.Text.RegularExpressions;
using ML.Pruning.Samples;
using ML.Pruning.Samples.EmbeddedModel;
using ML.Pruning.Samples.ModelBuilder;

namespace ML.Pruning.Tests.Samples;

/// <summary>Each sample prints, for the embedded model, what the comment at its end says.</summary>
[TestClass]
[DoNotParallelize]
public sealed partial class SampleTests
{
    private const string Mark = "// Expected output for the embedded model:";

    [TestMethod]
    public void PruneAndScore_EmbeddedModel_PrintsWhatItSays() =>
        AssertOutput(nameof(PruneAndScore), PruneAndScore.Example);

    [TestMethod]
    public void RecoverWithLora_EmbeddedModel_PrintsWhatItSays() =>
        AssertOutput(nameof(RecoverWithLora), RecoverWithLora.Example);

    [TestMethod]
    public void DropLayersAndSlice_EmbeddedModel_PrintsWhatItSays() =>
        AssertOutput(nameof(DropLayersAndSlice), DropLayersAndSlice.Example);

    [TestMethod]
    public void ComparePruningMethods_EmbeddedModel_PrintsWhatItSays() =>
        AssertOutput(nameof(ComparePruningMethods), ComparePruningMethods.Example);

    [TestMethod]
    public void MakeSmaller_EmbeddedModel_PrintsWhatItSays() =>
        AssertOutput(nameof(MakeSmaller), MakeSmaller.Example);

    [TestMethod]
    public void GenerateText_EmbeddedModel_PrintsWhatItSays() =>
        AssertOutput(nameof(GenerateText), GenerateText.Example);

    [TestMethod]
    public void FineTuneSparse_EmbeddedModel_PrintsWhatItSays() =>
        AssertOutput(nameof(FineTuneSparse), FineTuneSparse.Example);

    [TestMethod]
    public void MoveMasks_EmbeddedModel_PrintsWhatItSays() => AssertOutput(nameof(MoveMasks), MoveMasks.Example);

    [TestMethod]
    public void ChatWithModel_EmbeddedModel_PrintsWhatItSays() =>
        AssertOutput(nameof(ChatWithModel), ChatWithModel.Example);

    [TestMethod]
    public void EmbedText_EmbeddedModel_PrintsWhatItSays() => AssertOutput(nameof(EmbedText), EmbedText.Example);

    [TestMethod]
    public void SearchSparsity_EmbeddedModel_PrintsWhatItSays() =>
        AssertOutput(nameof(SearchSparsity), SearchSparsity.Example);

    [TestMethod]
    public void UseStoryModel_EmbeddedModel_PrintsWhatItSays() =>
        AssertOutput($"ModelBuilder/{nameof(UseStoryModel)}", UseStoryModel.Example);

    [TestMethod]
    public void RunAnyOnnxModel_EmbeddedModel_PrintsWhatItSays() =>
        AssertOutput(nameof(RunAnyOnnxModel), RunAnyOnnxModel.Example);

    private static void AssertOutput(string sample, Action<string> example)
    {
        string source = File.ReadAllText(
            Path.Combine(RepositoryFiles.Root, "src", "ML.Pruning.Samples", $"{sample}.cs"));
        int start = source.IndexOf(Mark, StringComparison.Ordinal);
        Assert.IsGreaterThan(0, start, $"{sample}.cs has no line \"{Mark}\".");
        string[] expected = [.. source[(start + Mark.Length)..].Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.TrimEnd('\r')[3..])];
        string[] actual = Capture(() => example(EmbeddedModelFiles.Folder))
            .Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);

        Assert.HasCount(expected.Length, actual, string.Join('\n', actual));
        for (int i = 0; i < expected.Length; i++) AssertLine(expected[i], actual[i]);
    }

    // Numbers may differ by 1 %: another libtorch rounds differently.
    private static void AssertLine(string expected, string actual)
    {
        Assert.AreEqual(Number().Replace(expected, "#"), Number().Replace(actual, "#"));
        foreach ((Match e, Match a) in Number().Matches(expected).Zip(Number().Matches(actual)))
        {
            double value = double.Parse(e.Value, CultureInfo.InvariantCulture);
            Assert.AreEqual(value, double.Parse(a.Value, CultureInfo.InvariantCulture), 0.01 * Math.Abs(value), actual);
        }
    }

    private static string Capture(Action action)
    {
        TextWriter before = Console.Out;
        using var captured = new StringWriter();
        Console.SetOut(captured);
        try
        {
            action();
        }
        finally
        {
            Console.SetOut(before);
        }

        return captured.ToString();
    }

    [GeneratedRegex(@"-?\d+(\.\d+)?")]
    private static partial Regex Number();
}
