using System.Diagnostics;
using System.Diagnostics.Metrics;
using ML.Pruning.Calibration;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Pruning;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Architecture;

/// <summary>What the library tells monitoring.</summary>
[TestClass]
[DoNotParallelize]
public sealed class TelemetryTests
{
    private const string Secret = "a secret of a user";

    private readonly List<Activity> _activities = [];
    private readonly List<(string Name, double Value, Dictionary<string, object?> Tags)> _measured = [];
    private ActivityListener _activityListener = null!;
    private MeterListener _meterListener = null!;

    [TestInitialize]
    public void Listen()
    {
        _activityListener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == LlmTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _activities.Add,
        };
        ActivitySource.AddActivityListener(_activityListener);
        _meterListener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == LlmTelemetry.Name) listener.EnableMeasurementEvents(instrument);
            },
        };
        _meterListener.SetMeasurementEventCallback<double>((i, value, tags, _) => Record(i, value, tags));
        _meterListener.SetMeasurementEventCallback<long>((i, value, tags, _) => Record(i, value, tags));
        _meterListener.Start();
    }

    [TestCleanup]
    public void Leave()
    {
        _activityListener.Dispose();
        _meterListener.Dispose();
    }

    [TestMethod]
    public void Generate_Text_TellsDurationAndTokensButNoText()
    {
        using LanguageModel model = ScriptedModel.Create(Secret + " ends");
        Assert.AreEqual(Secret + " ends", new TextGenerator(model).Generate(Secret).Text);

        Activity activity = _activities.Single();
        Assert.AreEqual("ml.pruning.generate", activity.OperationName);
        Assert.AreEqual("completed", activity.GetTagItem("ml.pruning.outcome"));
        Assert.AreEqual("llama", activity.GetTagItem("ml.pruning.model.family"));
        Assert.AreEqual("onnx", activity.GetTagItem("ml.pruning.engine"));
        Assert.IsNotNull(activity.GetTagItem("ml.pruning.kernel"));
        CollectionAssert.AreEquivalent(
            new[] { ("input", Secret.Length + 1.0), ("output", 5.0) },
            Measured("ml.pruning.tokens").Select(m => ((string)m.Tags["ml.pruning.token.type"]!, m.Value)).ToArray());
        Assert.IsGreaterThan(0, Measured("ml.pruning.operation.duration").Single().Value);
        foreach (object? value
            in _measured.SelectMany(m => m.Tags.Values).Concat(activity.TagObjects.Select(t => t.Value)))
            Assert.IsFalse($"{value}".Contains("secret", StringComparison.Ordinal));
    }

    [TestMethod]
    public void Generate_ReaderLeaves_IsStoppedAndLeavesNoActivityBehind()
    {
        using LanguageModel model = ScriptedModel.Create(new string('x', 50));
        using var outer = new Activity("outer").Start();
        foreach (string _ in new TextGenerator(model).Stream(""))
        {
            Assert.AreSame(outer, Activity.Current);
            break;
        }

        Assert.AreSame(outer, Activity.Current);
        Activity activity = _activities.Single(a => a.OperationName == "ml.pruning.generate");
        Assert.AreEqual("stopped", activity.GetTagItem("ml.pruning.outcome"));
        Assert.AreEqual(outer.SpanId, activity.ParentSpanId);
    }

    [TestMethod]
    public void Prune_Model_TellsMethodAndSparsity()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        PruningResult result = Pruner.PruneWithWindows(model, new Wanda { Sparsity = 0.25 },
            TokenWindows.FromTokens(RandomModel.Tokens(model.Spec, 64), 16), PrunedModels.In(folder));
        result.Model.Dispose();

        var (_, sparsity, tags) = Measured("ml.pruning.sparsity").Single();
        Assert.AreEqual(result.Report.Sparsity, sparsity);
        Assert.AreEqual("wanda", tags["ml.pruning.method"]);
        Assert.AreEqual("prune", tags["ml.pruning.operation"]);
        Assert.AreEqual("ml.pruning.prune", _activities.Single().OperationName);
    }

    private IEnumerable<(string Name, double Value, Dictionary<string, object?> Tags)> Measured(string name) =>
        _measured.Where(m => m.Name == name);

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _measured.Add((instrument.Name, value, tags.ToArray().ToDictionary()));
}
