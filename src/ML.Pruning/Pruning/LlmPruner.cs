using System.Text.Json;
using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Pruning.Structured;

namespace ML.Pruning.Pruning;

/// <summary>LLM-Pruner: removes whole heads and neurons, channels or layers, those first without which the loss is
/// expected to change least, and yields a physically smaller model.</summary>
/// <remarks>
/// <para>Ma et al. 2023, arXiv:2305.11627. Groups come from <see cref="DependencyGraph"/>. Of c rows c - int(c (1 -
/// ratio)) go; of heads only whole ones (with grouped-query attention whole key/value heads with all query heads that
/// read them), rounded down.</para>
/// <para>The loss is the mean next-token cross-entropy of the calibration windows; the second order takes the squared
/// gradients of single windows. Gradients need the whole model in memory, as the plan says.</para>
/// <para>Deviations from the authors' code: scores of the query heads of a key/value head are those that read it (there
/// every eighth); the aggregation <see cref="GroupAggregation.Last"/> of the paper exists; one group of each family
/// always stays. Immutable and thread-safe.</para>
/// </remarks>
public sealed class LlmPruner : StructuredPruning
{
    private const int DefaultLayers = 12;

    /// <summary>What is taken out.</summary>
    public PruningGranularity Granularity { get; init; } = PruningGranularity.Block;

    /// <summary>Fraction of the groups that go, in (0, 1), in the layers that take part. Without meaning for
    /// layers.</summary>
    public double Ratio { get; init; } = 0.25;

    /// <summary>How the parameters of a group are scored.</summary>
    public GroupImportance Importance { get; init; } = GroupImportance.TaylorFirst;

    /// <summary>How the scores of a group's parameters are put together.</summary>
    public GroupAggregation Aggregation { get; init; } = GroupAggregation.Sum;

    /// <summary>Whether the groups of all layers compete; else each layer's heads and neurons do among
    /// themselves.</summary>
    public bool Global { get; init; }

    /// <summary>How the scores of different places are made comparable, when they compete.</summary>
    public ScoreNormalization Normalization { get; init; } = ScoreNormalization.None;

    /// <summary>Whether, when all compete, a group's score is divided by its number of weights, and the ratio is one
    /// of weights; else a head counts as much as a neuron.</summary>
    public bool WeighByCost { get; init; }

    /// <summary>Layers whose heads go; null = all but the first and last max(1, layers / 8).</summary>
    public LayerRange? AttentionLayers { get; init; }

    /// <summary>Layers whose neurons go; null = all but the first and last max(1, layers / 8).</summary>
    public LayerRange? MlpLayers { get; init; }

    /// <summary>Whether all layers lose the same, so that other software can load the result.</summary>
    public bool Uniform { get; init; }

    /// <summary>Steps in which the ratio is reached, at least 1; each scores what the steps before have left.</summary>
    public int Steps { get; init; } = 1;

    /// <summary>Layers that stay, the first ones, when layers are taken out.</summary>
    public int KeepLayers { get; init; } = DefaultLayers;

    /// <summary>Seed of the random importance.</summary>
    public int Seed { get; init; }

    /// <inheritdoc/>
    public override string Name => "llm-pruner";

    /// <inheritdoc/>
    public override bool NeedsCalibration => Needs != StatisticsNeeds.None;

    private StatisticsNeeds Needs =>
        Granularity == PruningGranularity.Layer ? StatisticsNeeds.None : SideScores.Needs(Importance);

    /// <inheritdoc/>
    public override JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["method"] = Name,
            ["granularity"] = Lower(Granularity),
        };
        if (Granularity == PruningGranularity.Layer)
        {
            json["keepLayers"] = KeepLayers;
            return json;
        }

        json["ratio"] = Ratio;
        json["importance"] = Lower(Importance);
        json["aggregation"] = Lower(Aggregation);
        json["global"] = Global;
        json["steps"] = Steps;
        if (Importance == GroupImportance.Random) json["seed"] = Seed;
        if (Global)
        {
            json["normalization"] = Lower(Normalization);
            json["weighByCost"] = WeighByCost;
        }

        if (Granularity == PruningGranularity.Channel) return json;
        json["attentionLayers"] = AttentionLayers?.ToString();
        json["mlpLayers"] = MlpLayers?.ToString();
        json["uniform"] = Uniform;
        return json;
    }

    /// <inheritdoc/>
    private protected override IReadOnlyList<PlannedFamily> PlanFamilies(DependencyGraph graph)
    {
        if (Granularity == PruningGranularity.Layer) return PlanLayers(graph);
        CheckOptions(graph.Spec);
        GroupFamily[] families = [.. Participants(graph)];
        if (!Global)
            return [.. families.Select(f => Planned(f, RatioRule.Removed(graph.Spec, f, Ratio), isExact: true))];

        // By what scores say, a family may lose more or less than its share.
        return [.. families.Select(f => Planned(
            f, Math.Min(RatioRule.Removed(f.Count, Ratio), f.Count - 1), isExact: families.Length == 1))];
    }

    /// <inheritdoc/>
    private protected override StructuralDecision Decide(PruningRun run, DependencyGraph graph)
    {
        if (Granularity == PruningGranularity.Layer)
        {
            return new StructuralDecision([.. run.Plan.Families.Where(f => f.Removed > 0)
                .Select(f => new GroupChoice(graph.Family(f.Kind, f.Layer), [0]))]);
        }

        GroupFamily[] families = [.. Participants(graph)];
        var search = new GroupSearch(run, graph, families, Importance, Aggregation, Seed);
        for (int step = 1; step <= Steps; step++)
        {
            double ratio = Ratio * step / Steps;
            search.Score(Needs, step, Steps);
            if (!Global) search.RemoveLowest(f => RatioRule.Removed(graph.Spec, f, ratio));
            else search.RemoveLowestTogether(ratio, Normalization, WeighByCost);
        }

        return new StructuralDecision(search.Choices);
    }

    /// <inheritdoc/>
    private protected override long EstimateScoring(ModelSpec spec)
    {
        if (Needs == StatisticsNeeds.None) return 0;
        HashSet<string> scored = [.. Participants(DependencyGraph.Of(spec)).SelectMany(GroupScorer.Scored)];
        long count = spec.Parameters().Where(p => scored.Contains(p.Name)).Sum(p => p.Count);
        return GradientRunner.EstimateBytes(spec, count, Needs, MovementOptions.Default, Calibration.Samples,
            Calibration.ResolveLength(spec));
    }

    private static string Lower<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    private static PlannedFamily Planned(GroupFamily family, int removed, bool isExact) =>
        new(family.Kind, family.Layer, family.Count, removed, isExact);

    private IReadOnlyList<PlannedFamily> PlanLayers(DependencyGraph graph)
    {
        int layers = graph.Spec.Layers.Count;
        if (KeepLayers < 1 || KeepLayers >= layers)
        {
            throw new ArgumentException($"{KeepLayers} layers are to stay; the model has {layers}, of which at least 1 "
                + "and not all can stay.");
        }

        return [.. Enumerable.Range(KeepLayers, layers - KeepLayers)
            .Select(layer => new PlannedFamily(GroupKind.Layer, layer, 1, 1))];
    }

    private IEnumerable<GroupFamily> Participants(DependencyGraph graph)
    {
        if (Granularity == PruningGranularity.Channel) return graph.Families.Where(f => f.Kind == GroupKind.Channel);
        int layers = graph.Spec.Layers.Count;
        LayerRange standard = Uniform ? new LayerRange(0, layers - 1) : LayerRange.Inner(layers);
        return graph.Families.Where(f => f.Kind == GroupKind.Heads && (AttentionLayers ?? standard).Contains(f.Layer)
            || f.Kind == GroupKind.Neuron && (MlpLayers ?? standard).Contains(f.Layer));
    }

    private void CheckOptions(ModelSpec spec)
    {
        if (!(Ratio > 0 && Ratio < 1))
            throw new ArgumentException($"The ratio is {Ratio}; it must lie between 0 and 1, without the ends.");
        if (Steps < 1) throw new ArgumentException($"The number of steps is {Steps}; at least 1.");
        CheckRange(AttentionLayers, "attention layers");
        CheckRange(MlpLayers, "MLP layers");
        if (!Global && (WeighByCost || Normalization != ScoreNormalization.None))
        {
            throw new ArgumentException("Normalised scores and costs only count where groups of all layers compete; "
                + "make the ranking global, or leave them out.");
        }

        if (!Uniform) return;
        if (Global) throw new ArgumentException("With a global ranking layers lose different numbers of groups; leave "
            + "out either that or the uniform widths.");
        var all = new LayerRange(0, spec.Layers.Count - 1);
        if ((AttentionLayers ?? all) != all || (MlpLayers ?? all) != all)
        {
            throw new ArgumentException($"For uniform widths all layers must take part; leave the layer ranges out, or "
                + $"give {all}.");
        }

        void CheckRange(LayerRange? range, string what)
        {
            if (range is { } r && (r.First < 0 || r.First > r.Last || r.Last >= spec.Layers.Count))
            {
                throw new ArgumentException($"The {what} are {r}; the model has the layers "
                    + $"0..{spec.Layers.Count - 1}.");
            }
        }
    }
}
