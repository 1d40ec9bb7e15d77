using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace ML.Pruning.Tests.StandIns;

[TestClass]
public sealed class LoggingTests
{
    [TestMethod]
    public void Log_ChannelOfAHost_ArrivesWithKindSourceAndText()
    {
        var ml = new MLContext(1);
        var seen = new List<LoggingEventArgs>();
        ml.Log += (_, e) => seen.Add(e);
        IHost host = ((IHostEnvironment)ml).Register("Pruner");
        using (IChannel channel = host.Start("Fit")) channel.Info(MessageSensitivity.None, "layer {0}", 3);
        LoggingEventArgs info = seen.Single(e => e.Kind == ChannelMessageKind.Info);
        Assert.AreEqual("layer 3", info.RawMessage);
        Assert.AreEqual("Pruner; Fit", info.Source);
        Assert.AreEqual("[Source=Pruner; Fit, Kind=Info] layer 3", info.Message);
        Assert.IsTrue(seen.Any(e => e.Kind == ChannelMessageKind.Trace));
    }

    [TestMethod]
    public void Log_NoSubscriber_IsHarmless()
    {
        IHost host = ((IHostEnvironment)new MLContext()).Register("Pruner");
        using IChannel channel = host.Start("Fit");
        channel.Warning(MessageSensitivity.None, "nobody hears");
    }

    [TestMethod]
    public void Rand_SameSeed_SameNumbers()
    {
        static int[] Draw(int? seed)
        {
            IHost host = ((IHostEnvironment)new MLContext(seed)).Register("Pruner");
            return [.. Enumerable.Range(0, 4).Select(_ => host.Rand.Next(1000000))];
        }
        CollectionAssert.AreEqual(Draw(5), Draw(5));
        CollectionAssert.AreNotEqual(Draw(5), Draw(6));
    }
}
