using System.Text.Json.Nodes;
using ML.Pruning.Recovery;

namespace ML.Pruning.Tests.Recovery;

/// <summary>The page about training runs shows each run's losses, names escaped; refusals.</summary>
[TestClass]
public sealed class TrainingReportPageTests
{
    [TestMethod]
    public void Of_Runs_DrawsLossesOfBatchesAndHeldOut()
    {
        string page = TrainingReportPage.Of(
            [KeyValuePair.Create("first <run>", Run(3, 2)), KeyValuePair.Create("second", Run(1000, 4))]);
        StringAssert.Contains(page, "<title>Training report</title>");
        StringAssert.Contains(page, "<td>first &lt;run&gt;</td><td>3 of 3</td>");
        StringAssert.Contains(page, "first &lt;run&gt;, batches: 2, 5</title>");
        StringAssert.Contains(page, "first &lt;run&gt;, held out: 3, 2</title>");
        StringAssert.Contains(page, "second, held out: 1000, 4</title>");

        // 1000 steps are drawn as 334 means of three: those of steps 1 to 3 have the mean 5.
        Assert.AreEqual(334, Count(page, "<title>second, batches:"));
        StringAssert.Contains(page, "second, batches: 3, 5</title>");
        Assert.AreEqual(2, Count(page, "<figure>"));
    }

    [TestMethod]
    public void Of_OtherObjectsOrNone_IsRefused()
    {
        var error = Assert.ThrowsExactly<ArgumentException>(
            () => TrainingReportPage.Of([KeyValuePair.Create("odd", new JsonObject { ["curve"] = new JsonArray() })]));
        StringAssert.Contains(error.Message, "'odd' is no report of a training run");
        Assert.ThrowsExactly<ArgumentException>(() => TrainingReportPage.Of([]));
        Assert.IsFalse(TrainingReportPage.IsReport([]));
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    // Losses of batches go 4, 5, 6, 4, 5, 6 ...
    private static JsonObject Run(int steps, double best) => new TrainingReport
    {
        Steps = steps,
        StepsDone = steps,
        TrainedParameters = 12,
        InitialLoss = 7,
        BestLoss = best,
        BestStep = steps,
        SkippedSteps = 0,
        Rollbacks = 0,
        TokensPerSecond = 10,
        Curve =
        [
            new TrainingPoint(0, 0, null, 7),
            .. Enumerable.Range(1, steps).Select(
                s => new TrainingPoint(s, 0.1, 4 + (s - 1) % 3, s == steps ? best : null)),
        ],
    }.ToJson();
}
