using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Pruning.Structured;

namespace ML.Pruning.Pruning;

/// <summary>Cuts a model to a target shape: key/value heads, MLP width, hidden size and number of layers, the same in
/// every layer, so that other software loads the result.</summary>
/// <remarks>
/// <para>In the manner of Minitron (Muralidharan et al. 2024, arXiv:2407.14679): what is least active goes. A neuron is
/// scored by the inputs of down, a key/value head by the norm of the inputs of the attention output that it brings
/// about, a channel of the residual stream by the outputs of the norms of all layers, each the L2 norm over windows of
/// the mean of |x| over tokens; a layer by its block influence, 1 - mean cos(before, after). Everything is scored once,
/// on the model before. No gradients.</para>
/// <para>Widths are rounded down to a multiple of <see cref="RoundTo"/>. With grouped-query attention whole key/value
/// heads go; Minitron also takes single query heads. Removing a third at most at once, and training after it, is its
/// authors' advice. Immutable and thread-safe.</para>
/// </remarks>
public sealed class WidthPruning : StructuredPruning
{
    private const int DefaultMultiple = 64;

    /// <summary>Key/value heads of each layer that stay, with the query heads that read them; null = all.</summary>
    public int? KeyValueHeads { get; init; }

    /// <summary>Neurons of each MLP that stay, before rounding; null = all.</summary>
    public int? MlpWidth { get; init; }

    /// <summary>Channels of the residual stream that stay, before rounding; null = all.</summary>
    public int? HiddenSize { get; init; }

    /// <summary>Layers that stay; null = all.</summary>
    public int? Layers { get; init; }

    /// <summary>Multiple to which <see cref="MlpWidth"/> and <see cref="HiddenSize"/> are rounded down, at least
    /// 1.</summary>
    public int RoundTo { get; init; } = DefaultMultiple;

    /// <inheritdoc/>
    public override string Name => "width";

    /// <inheritdoc/>
    public override bool NeedsCalibration => true;

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["method"] = Name,
        ["keyValueHeads"] = KeyValueHeads,
        ["mlpWidth"] = MlpWidth,
        ["hiddenSize"] = HiddenSize,
        ["layers"] = Layers,
        ["roundTo"] = RoundTo,
    };

    /// <inheritdoc/>
    private protected override IReadOnlyList<PlannedFamily> PlanFamilies(DependencyGraph graph)
    {
        ModelSpec spec = graph.Spec;
        if (RoundTo < 1) throw new ArgumentException($"Widths are to be multiples of {RoundTo}; at least 1.");
        if (!spec.IsUniform)
        {
            throw new ArgumentException("The layers of the model differ in shape, so that no width fits them all; use "
                + "a method that prunes layer by layer, such as llm-pruner.");
        }

        LayerSpec shape = spec.Layers[0];
        var removed = new Dictionary<GroupKind, int>
        {
            [GroupKind.Heads] = Removed("key/value heads", KeyValueHeads, shape.KeyValueHeads, 1),
            [GroupKind.Neuron] = Removed("MLP neurons", MlpWidth, shape.MlpWidth, RoundTo),
            [GroupKind.Channel] = Removed("channels", HiddenSize, spec.HiddenSize, RoundTo),
        };
        int layers = Removed("layers", Layers, spec.Layers.Count, 1);
        if (layers > 0) LayerRemoval.RequirePlainStream(spec, Name);

        // Which layers go depends on the weights; the last ones stand for them.
        return [.. graph.Families.Select(f => new PlannedFamily(f.Kind, f.Layer, f.Count,
            f.Kind == GroupKind.Layer ? f.Layer >= spec.Layers.Count - layers ? 1 : 0 : removed[f.Kind],
            IsExact: f.Kind != GroupKind.Layer || layers == 0))];
    }

    /// <inheritdoc/>
    private protected override StructuralDecision Decide(PruningRun run, DependencyGraph graph)
    {
        var gathering = new InputGathering<WindowMeans>(
            [TensorNames.Query, TensorNames.Output, TensorNames.Up, TensorNames.Down], features =>
            {
                var means = new WindowMeans(features);
                return (means, means.Add);
            });
        run.Calibrate(gathering);
        double[]? influence = null;
        if (run.Plan.Families.Any(f => f.Kind == GroupKind.Layer && f.Removed > 0))
        {
            using ResidualStream stream = run.EmbedWindows();
            influence = BlockInfluence.OfLayers(
                graph.Spec, run.Weights, stream, fraction => run.Report("measure block influence", fraction));
        }

        var choices = new List<GroupChoice>();
        foreach (PlannedFamily planned in run.Plan.Families.Where(f => f.Kind != GroupKind.Layer && f.Removed > 0))
        {
            GroupFamily family = graph.Family(planned.Kind, planned.Layer);
            double[] scores = RequireFinite(family.ToString(), Score(graph.Spec, family, gathering.Results));
            choices.Add(GroupChoice.Of(family, [.. GroupRanking.Lowest(scores, planned.Removed).Order()], scores));
        }

        if (influence is not null) choices.AddRange(ChooseLayers(run, graph, RequireFinite("layers", influence)));
        return new StructuralDecision(choices);
    }

    /// <inheritdoc/>
    private protected override long EstimateScoring(ModelSpec spec) => LayerStreamingRunner.EstimateBytes(
        spec, Calibration.Samples, Calibration.ResolveLength(spec), Calibration);

    private static int Removed(string what, int? target, int count, int multiple)
    {
        if (target is not { } asked) return 0;
        int kept = asked == count ? count : asked / multiple * multiple;
        if (asked < 1 || asked > count || kept < 1)
        {
            throw new ArgumentException($"{asked} {what} are to stay; the model has {count}, and at least {multiple} "
                + $"must stay{(multiple > 1 ? $" (a multiple of {multiple})" : "")}.");
        }

        return count - kept;
    }

    private static double[] Score(
        ModelSpec spec, GroupFamily family, IReadOnlyDictionary<string, WindowMeans> means)
    {
        if (family.Kind == GroupKind.Neuron) return means[TensorNames.Weight(family.Layer, TensorNames.Down)].Norms;
        if (family.Kind == GroupKind.Heads)
        {
            double[] channels = means[TensorNames.Weight(family.Layer, TensorNames.Output)].Norms;
            return [.. channels.Chunk(channels.Length / family.Count).Select(c => Math.Sqrt(c.Sum(s => s * s)))];
        }

        var sum = new double[family.Count];
        for (int layer = 0; layer < spec.Layers.Count; layer++)
        {
            foreach (string part in (string[])[TensorNames.Query, TensorNames.Up])
            {
                System.Numerics.Tensors.TensorPrimitives.Add(
                    sum, means[TensorNames.Weight(layer, part)].Norms, sum);
            }
        }

        return sum;
    }

    private static IEnumerable<GroupChoice> ChooseLayers(PruningRun run, DependencyGraph graph, double[] influence)
    {
        int count = run.Plan.Families.Where(f => f.Kind == GroupKind.Layer).Sum(f => f.Removed);
        HashSet<int> gone = [.. GroupRanking.Lowest(influence, count)];
        return influence.Select((score, layer) => gone.Contains(layer)
            ? new GroupChoice(graph.Family(GroupKind.Layer, layer), [0], HighestRemovedScore: score)
            : new GroupChoice(graph.Family(GroupKind.Layer, layer), [], LowestKeptScore: score));
    }

    private static double[] RequireFinite(string what, double[] scores) => Array.TrueForAll(scores, double.IsFinite)
        ? scores
        : throw new PruningException($"The activations of {what} are not finite on the calibration text; the model's "
            + "weights are damaged, or its activations overflow.");
}
