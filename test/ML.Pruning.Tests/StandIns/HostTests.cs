using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace ML.Pruning.Tests.StandIns;

[TestClass]
public sealed class HostTests
{
    [TestMethod]
    public void Rand_SameSeed_SameNumbers()
    {
        IHost first = ((IHostEnvironment)new MLContext(7)).Register("A");
        IHost second = ((IHostEnvironment)new MLContext(7)).Register("A");
        IHost other = ((IHostEnvironment)new MLContext(8)).Register("A");

        int[] expected = Draw(first.Rand);
        CollectionAssert.AreEqual(expected, Draw(second.Rand));
        CollectionAssert.AreNotEqual(expected, Draw(other.Rand));
        Assert.IsTrue(expected.All(n => n is >= 0 and < 1000));
    }

    [TestMethod]
    public void Rand_OwnSeed_IndependentOfTheContext()
    {
        IHost first = ((IHostEnvironment)new MLContext(7)).Register("A", seed: 3);
        IHost second = ((IHostEnvironment)new MLContext()).Register("A", seed: 3);

        CollectionAssert.AreEqual(Draw(first.Rand), Draw(second.Rand));
    }

    [TestMethod]
    public void Rand_TenThousandDraws_CoverTheRangeEvenly()
    {
        Random rand = ((IHostEnvironment)new MLContext(1)).Register("A").Rand;
        double[] draws = [.. Enumerable.Range(0, 10_000).Select(_ => rand.NextDouble())];

        // The standard error of the mean of 10,000 uniform numbers is 0.0029.
        Assert.AreEqual(0.5, draws.Average(), 0.015);
        Assert.IsTrue(draws.All(d => d is >= 0 and < 1));
        for (int tenth = 0; tenth < 10; tenth++)
            Assert.AreEqual(1000, draws.Count(d => (int)(d * 10) == tenth), 150);
    }

    [TestMethod]
    public void Channel_Messages_CarryKindSourceAndText()
    {
        var ml = new MLContext();
        var seen = new List<(ChannelMessageKind Kind, string Source, string Text)>();
        ml.Log += (_, e) => seen.Add((e.Kind, e.Source, e.RawMessage));
        using (IChannel channel = ((IHostEnvironment)ml).Register("PruneLlm").Start("Fit"))
        {
            channel.Info(MessageSensitivity.None, "layer {0}", 3);
            channel.Warning(MessageSensitivity.None, "{not a format}");
        }

        Assert.IsTrue(seen.All(m => m.Source == "PruneLlm; Fit"));
        CollectionAssert.AreEqual(
            new[]
            {
                (ChannelMessageKind.Trace, "Channel started"), (ChannelMessageKind.Info, "layer 3"),
                (ChannelMessageKind.Warning, "{not a format}"),
            },
            seen.Take(3).Select(m => (m.Kind, m.Text)).ToArray());
        StringAssert.StartsWith(seen[3].Text, "Channel finished. Elapsed ");
        Assert.AreEqual("Channel disposed", seen[4].Text);
        Assert.HasCount(5, seen);
    }

    [TestMethod]
    public void Process_ExceptionOfAHost_IsTheSameObject()
    {
        var ex = new InvalidOperationException("x");

        Assert.AreSame(ex, ((IHostEnvironment)new MLContext()).Register("A").Process(ex));
    }

    private static int[] Draw(Random rand) => [.. Enumerable.Range(0, 20).Select(_ => rand.Next(1000))];
}
