using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Pruning.Structured;

namespace ML.Pruning.Pruning;

/// <summary>ShortGPT: removes the layers that turn the residual stream least.</summary>
/// <remarks>
/// <para>Men et al. 2024, arXiv:2403.03853. The score of a layer is its block influence, 1 - mean cos(h before, h
/// after) over all tokens of the calibration windows, taken once with all layers in place; ties go to the lower
/// layer.</para>
/// <para>Deviation: the paper scores on PG-19; the text here is the caller's. Streams layer by layer, in float32.
/// Immutable and thread-safe.</para>
/// </remarks>
public sealed class ShortGpt : StructuredPruning
{
    /// <summary>Layers that go; null = <see cref="Ratio"/> says how many.</summary>
    public int? Count { get; init; }

    /// <summary>Fraction of the layers that go, rounded down, in (0, 1).</summary>
    public double Ratio { get; init; } = 0.25;

    /// <inheritdoc/>
    public override string Name => "shortgpt";

    /// <inheritdoc/>
    public override bool NeedsCalibration => true;

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["method"] = Name,
        ["count"] = Count,
        ["ratio"] = Count is null ? Ratio : null,
    };

    /// <inheritdoc/>
    private protected override IReadOnlyList<PlannedFamily> PlanFamilies(DependencyGraph graph)
    {
        LayerRemoval.RequirePlainStream(graph.Spec, Name);
        int layers = graph.Spec.Layers.Count;
        if (Count is null && !(Ratio > 0 && Ratio < 1))
            throw new ArgumentException($"The ratio of layers is {Ratio}; it must lie between 0 and 1, without the "
                + "ends.");
        int count = Count ?? (int)(layers * Ratio);
        if (count < 1)
        {
            throw new ArgumentException($"{count} of {layers} layers are to go; ask for at least 1"
                + (Count is null ? $", which is a ratio of {1.0 / layers:0.###}." : "."));
        }

        // Which ones depends on the weights; the last ones stand for them.
        return LayerRemoval.Plan(
            graph.Spec, Enumerable.Range(Math.Max(0, layers - count), count).ToHashSet(), isExact: false);
    }

    /// <inheritdoc/>
    private protected override StructuralDecision Decide(PruningRun run, DependencyGraph graph)
    {
        using ResidualStream stream = run.EmbedWindows();
        double[] influence = BlockInfluence.OfLayers(graph.Spec, run.Weights, stream,
            fraction => run.Report("measure block influence", fraction));
        if (Array.FindIndex(influence, i => !double.IsFinite(i)) is >= 0 and int bad)
        {
            throw new PruningException($"The block influence of layer {bad} is {influence[bad]}; the model's weights "
                + "are damaged, or its activations overflow.");
        }

        HashSet<int> gone = [.. Enumerable.Range(0, influence.Length).OrderBy(layer => influence[layer])
            .Take(run.Plan.Families.Sum(f => f.Removed))];
        return new StructuralDecision([.. influence.Select((score, layer) => gone.Contains(layer)
            ? new GroupChoice(graph.Family(GroupKind.Layer, layer), [0], HighestRemovedScore: score)
            : new GroupChoice(graph.Family(GroupKind.Layer, layer), [], LowestKeptScore: score))]);
    }

    /// <inheritdoc/>
    private protected override long EstimateScoring(ModelSpec spec) =>
        LayerStreamingRunner.EstimateBytes(
            spec, Calibration.Samples, Calibration.ResolveLength(spec), Calibration with { Precision = default });
}
