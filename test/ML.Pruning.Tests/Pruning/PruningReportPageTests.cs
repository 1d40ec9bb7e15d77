using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

[TestClass]
public sealed class PruningReportPageTests
{
    [TestMethod]
    public void Of_TwoRuns_PlotsBothAndLoadsNothing()
    {
        string page = PruningReportPage.Of([Run("first <run>", 0.5, 14.3), Run("second", 0.7, 129.9)]);
        XDocument html = XDocument.Parse(page.Replace("<!DOCTYPE html>", "").Replace("<meta charset=\"utf-8\">", "")
            .Replace("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">", ""));
        XElement[] charts = [.. html.Descendants("svg")];
        Assert.HasCount(3, charts);
        StringAssert.Contains(page, "first &lt;run&gt;");
        foreach (string number in new[] { "123,456", "78,901", "1,500", "2,250" }) StringAssert.Contains(page, number);

        // Perplexity: one line from the dense model over two points, the lower sparsity at the left and further down.
        XElement line = charts[0].Element("polyline")!;
        double[] numbers = [.. ((string)line.Attribute("points")!).Split(' ', ',')
            .Select(n => double.Parse(n, CultureInfo.InvariantCulture))];
        Assert.HasCount(6, numbers);
        for (int i = 2; i < 6; i += 2)
        {
            Assert.IsLessThan(numbers[i], numbers[i - 2]);
            Assert.IsGreaterThan(numbers[i + 1], numbers[i - 1]);
        }

        // By layer: a line for each run.
        Assert.HasCount(2, charts[1].Elements("polyline").ToArray());
        Assert.IsFalse(Regex.IsMatch(page, "https?:|src=|<script|<link|@import|url\\("), "The page loads something.");
        StringAssert.Contains(page, "prefers-color-scheme: dark");
    }

    [TestMethod]
    public void Of_RealReport_ShowsEachTensor()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        PruningResult result = Pruner.PruneWithWindows(model, new Wanda(), TokenWindows.FromTokens(
            RandomModel.Tokens(model.Spec, 64), 16), PrunedModels.In(folder));
        result.Model.Dispose();
        string page = PruningReportPage.Of([KeyValuePair.Create("run", result.Report.ToJson())]);
        foreach (TensorReport tensor in result.Report.Tensors)
        {
            StringAssert.Contains(page, tensor.Name);
            Assert.IsTrue(tensor.OutputError is > 0 and < 1, $"{tensor.OutputError}");
            Assert.HasCount(5, tensor.ScoreQuantiles!.ToArray());
            for (int i = 1; i < 5; i++)
                Assert.IsGreaterThanOrEqualTo(tensor.ScoreQuantiles![i - 1], tensor.ScoreQuantiles[i]);
        }
    }

    [TestMethod]
    public void Of_NoReport_NamesIt()
    {
        var e = Assert.ThrowsExactly<ArgumentException>(
            () => PruningReportPage.Of([KeyValuePair.Create("odd", new JsonObject { ["method"] = "wanda" })]));
        StringAssert.Contains(e.Message, "'odd'");
        Assert.ThrowsExactly<ArgumentException>(() => PruningReportPage.Of([]));
    }

    [TestMethod]
    [DataRow(0.0, 1.0, "0 0.2 0.4 0.6 0.8 1")]
    [DataRow(0.5, 0.7, "0.5 0.55 0.6 0.65 0.7")]
    [DataRow(0.0, 129.9, "0 50 100 150")]
    [DataRow(3.0, 3.0, "3 3.1 3.2 3.3")]
    public void RoundTicks_Range_IsCoveredByRoundNumbers(double low, double high, string expected)
    {
        double[] ticks = SvgChart.RoundTicks(low, high);
        Assert.IsLessThanOrEqualTo(low + 1e-9, ticks[0]);
        Assert.IsGreaterThanOrEqualTo(high - 1e-9, ticks[^1]);
        if (low < high)
            Assert.AreEqual(expected,
                string.Join(' ', ticks.Select(t => t.ToString("0.##", CultureInfo.InvariantCulture))));
    }

    [TestMethod]
    public void OutputError_AllTokensSampled_IsTheRelativeChangeOfTheOutputs()
    {
        // 64 tokens are fewer than a sample takes, so that the number is exact: computed here in float64.
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        int[] tokens = RandomModel.Tokens(model.Spec, 64);
        PruningResult result = Pruner.PruneWithWindows(model, new Wanda { Pattern = new NofMPattern(2, 4) },
            TokenWindows.FromTokens(tokens, 16), PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        string name = TensorNames.Weight(0, TensorNames.Query);
        float[] before = model.Weights[name].ToArray(), after = pruned.Weights[name].ToArray();
        double change = 0, size = 0;
        float[] table = model.Weights[TensorNames.Embedding].ToArray();
        float[] gain = model.Weights[TensorNames.Weight(0, TensorNames.AttentionNorm)].ToArray();
        foreach (int token in tokens)
        {
            double[] x = [.. Enumerable.Range(0, 16).Select(i => (double)table[token * 16 + i])];
            double scale = 1 / Math.Sqrt(x.Sum(v => v * v) / 16 + model.Spec.NormEpsilon);
            for (int row = 0; row < 16; row++)
            {
                double old = 0, now = 0;
                for (int i = 0; i < 16; i++)
                {
                    old += before[row * 16 + i] * x[i] * scale * gain[i];
                    now += after[row * 16 + i] * x[i] * scale * gain[i];
                }

                change += (now - old) * (now - old);
                size += old * old;
            }
        }

        Assert.AreEqual(Math.Sqrt(change / size), result.Report.Tensors.Single(t => t.Name == name).OutputError!.Value,
            1e-5);
    }

    private static KeyValuePair<string, JsonObject> Run(string name, double sparsity, double perplexity) =>
        KeyValuePair.Create(name, new JsonObject
        {
            ["method"] = "wanda",
            ["sparsity"] = sparsity,
            ["durationSeconds"] = 1.5,
            ["perplexity"] = new JsonObject { ["before"] = 2.9, ["after"] = perplexity },
            ["size"] = new JsonObject { ["before"] = 123_456, ["after"] = 78_901 },
            ["tokensPerSecond"] = new JsonObject { ["before"] = 1500.2, ["after"] = 2250.4 },
            ["tensors"] = new JsonArray([.. Enumerable.Range(0, 3).Select(layer => (JsonNode)new JsonObject
            {
                ["name"] = $"layers.{layer}.mlp.up_proj.weight",
                ["elements"] = 100,
                ["zerosAfter"] = (int)(100 * sparsity),
                ["sparsity"] = sparsity,
                ["outputError"] = 0.1 * layer,
            })]),
            ["notes"] = new JsonArray("A note & more."),
        });
}
