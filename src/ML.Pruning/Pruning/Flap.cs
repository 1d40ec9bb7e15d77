using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Pruning.Structured;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>FLAP: removes the heads and neurons whose outputs fluctuate least over the calibration text, and lets a
/// bias stand for what they gave on average. Needs no gradients and no training.</summary>
/// <remarks>
/// <para>An et al. 2023, arXiv:2312.11983. Looks at the inputs of the attention output and of down in the model before
/// pruning. Scores of attention are squared; both are standardised within each layer, channel by channel, and a head
/// has the mean of its channels. A head counts as much as it has parameters, in units of a neuron (170.67 for
/// LLaMA-7B). The bias is W (mean of the input, where removed), exact for inputs that are constant; maps without a bias
/// get one.</para>
/// <para>With grouped-query attention whole key/value heads go. Groups go, lowest first, until the ratio is reached,
/// and one of each layer's heads and neurons always stays. (The authors' code stops at the nearest place, and also
/// drops the group that lies on the threshold.) The variance is that of all tokens; there the first sample counts for
/// nothing. Immutable and thread-safe.</para>
/// </remarks>
public sealed class Flap : StructuredPruning
{
    /// <summary>Fraction of the parameters of heads and neurons that go, in (0, 1); with
    /// <see cref="FlapStructure.UlUm"/> the fraction of the groups.</summary>
    public double Ratio { get; init; } = 0.2;

    /// <summary>How channels are scored.</summary>
    public FluctuationMetric Metric { get; init; } = FluctuationMetric.Wifv;

    /// <summary>How the ratio is shared out among heads, neurons and layers.</summary>
    public FlapStructure Structure { get; init; } = FlapStructure.AlAm;

    /// <summary>Key/value heads that go in all layers together, with <see cref="FlapStructure.UlMm"/> and
    /// <see cref="FlapStructure.AlMm"/>.</summary>
    public int RemovedHeads { get; init; }

    /// <summary>Whether a bias stands for what went.</summary>
    public bool CompensateBias { get; init; } = true;

    /// <inheritdoc/>
    public override string Name => "flap";

    /// <inheritdoc/>
    public override bool NeedsCalibration => true;

    private bool SharesEqually => Structure is FlapStructure.UlUm or FlapStructure.UlMm;

    private bool CountsHeads => Structure is FlapStructure.UlMm or FlapStructure.AlMm;

    /// <inheritdoc/>
    public override JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["method"] = Name,
            ["ratio"] = Ratio,
            ["metric"] = Metric.ToString().ToLowerInvariant(),
            ["structure"] = NameOf(Structure),
            ["compensateBias"] = CompensateBias,
        };
        if (CountsHeads) json["removedHeads"] = RemovedHeads;
        return json;
    }

    /// <inheritdoc/>
    private protected override IReadOnlyList<PlannedFamily> PlanFamilies(DependencyGraph graph)
    {
        CheckOptions(graph);
        return [.. Families(graph).Select(f => new PlannedFamily(
            f.Kind, f.Layer, f.Count, Math.Min(Share(graph, f), f.Count - 1), SharesEqually))];
    }

    /// <inheritdoc/>
    private protected override ModelSpec PlanAfter(ModelSpec after, IReadOnlyList<PlannedFamily> families)
    {
        if (!CompensateBias) return after;
        return families.Where(f => f.Removed > 0).Aggregate(
            after, (spec, f) => spec.WithAddedBiases(f.Layer, [Part(f.Kind)]));
    }

    /// <inheritdoc/>
    private protected override StructuralDecision Decide(PruningRun run, DependencyGraph graph)
    {
        var gathering = new InputGathering<ActivationStatistics>([TensorNames.Output, TensorNames.Down], features =>
        {
            var statistics = new ActivationStatistics(features, StatisticsNeeds.Moments);
            return (statistics, statistics.Add);
        });
        run.Calibrate(gathering);
        GroupFamily[] families = [.. Families(graph)];
        double[][] scores = [.. families.Select(f => Score(run, f, gathering.Results))];
        IReadOnlyList<IReadOnlyList<int>> removed = Structure switch
        {
            FlapStructure.AlAm => GroupRanking.LowestTogether(
                scores, [.. families.Select(f => Cost(graph, f))], Ratio * families.Sum(f => f.Count * Cost(graph, f))),
            FlapStructure.AlMm => Together(graph, families, scores),
            _ => [.. families.Select((f, i) =>
                GroupRanking.Lowest(scores[i], Math.Min(Share(graph, f), f.Count - 1)))],
        };
        GroupChoice[] choices = [.. families.Select((f, i) => GroupChoice.Of(f, [.. removed[i].Order()], scores[i]))];
        return new StructuralDecision(choices,
            CompensateBias ? (cut, smaller) => Compensate(run, choices, gathering.Results, cut, smaller) : null);
    }

    /// <inheritdoc/>
    private protected override long EstimateScoring(ModelSpec spec) => LayerStreamingRunner.EstimateBytes(
        spec, Calibration.Samples, Calibration.ResolveLength(spec), Calibration);

    private static string NameOf(FlapStructure structure) => structure switch
    {
        FlapStructure.UlUm => "ul-um",
        FlapStructure.UlMm => "ul-mm",
        FlapStructure.AlMm => "al-mm",
        _ => "al-am",
    };

    private static string Part(GroupKind kind) => kind == GroupKind.Heads ? TensorNames.Output : TensorNames.Down;

    private static IEnumerable<GroupFamily> Families(DependencyGraph graph) =>
        graph.Families.Where(f => f.Kind is GroupKind.Heads or GroupKind.Neuron);

    // Weights of matrices: a head of LLaMA-7B has 4 x 128 x 4096, a neuron 3 x 4096.
    private static double Cost(DependencyGraph graph, GroupFamily family) =>
        GroupScorer.WeightsOf(graph.Spec, family[0]);

    private double[] Score(
        PruningRun run, GroupFamily family, IReadOnlyDictionary<string, ActivationStatistics> statistics)
    {
        string name = TensorNames.Weight(family.Layer, Part(family.Kind));
        double[] channels = FluctuationScores.Of(Metric, run.Weights[name], statistics[name]);
        if (Array.Exists(channels, s => !double.IsFinite(s)))
        {
            throw new PruningException($"The inputs of '{name}' are not finite on the calibration text; the model's "
                + "weights are damaged, or its activations overflow.");
        }

        if (family.Kind == GroupKind.Heads)
            System.Numerics.Tensors.TensorPrimitives.Multiply<double>(channels, channels, channels);
        if (!SharesEqually) ScoreNormalizer.Apply(ScoreNormalization.Gaussian, channels);
        return [.. channels.Chunk(channels.Length / family.Count).Select(c => c.Average())];
    }

    // How many a family loses where each layer loses the same, and what to expect of it elsewhere.
    private int Share(DependencyGraph graph, GroupFamily family)
    {
        if (!CountsHeads) return (int)(Ratio * family.Count);
        int layers = graph.Spec.Layers.Count, heads = RemovedHeads / layers;
        if (family.Kind == GroupKind.Heads) return heads;
        GroupFamily attention = graph.Family(GroupKind.Heads, family.Layer);
        return Neurons(
            graph, [attention, family], Structure == FlapStructure.UlMm ? heads : (double)RemovedHeads / layers);
    }

    // Neurons that make the ratio up when so many heads go.
    private int Neurons(DependencyGraph graph, IReadOnlyList<GroupFamily> families, double heads)
    {
        double all = families.Sum(f => f.Count * Cost(graph, f));
        double gone = heads * Cost(graph, families.First(f => f.Kind == GroupKind.Heads));
        return (int)((Ratio * all - gone) / Cost(graph, families.First(f => f.Kind == GroupKind.Neuron)));
    }

    private IReadOnlyList<IReadOnlyList<int>> Together(DependencyGraph graph, GroupFamily[] families, double[][] scores)
    {
        var removed = new IReadOnlyList<int>[families.Length];
        foreach ((GroupKind kind, int count) in
            new[] { (GroupKind.Heads, RemovedHeads), (GroupKind.Neuron, Neurons(graph, families, RemovedHeads)) })
        {
            int[] places = [.. Enumerable.Range(0, families.Length).Where(i => families[i].Kind == kind)];
            IReadOnlyList<IReadOnlyList<int>> chosen = GroupRanking.LowestTogether(
                [.. places.Select(i => scores[i])], [.. places.Select(_ => 1.0)], count);
            for (int i = 0; i < places.Length; i++) removed[places[i]] = chosen[i];
        }

        return removed;
    }

    private static LanguageModel Compensate(PruningRun run, IReadOnlyList<GroupChoice> choices,
        IReadOnlyDictionary<string, ActivationStatistics> statistics, StructuralCut cut, LanguageModel smaller)
    {
        ModelSpec spec = smaller.Spec;
        var biases = new List<StoredTensor>();
        foreach (GroupChoice choice in choices.Where(c => c.Removed.Count > 0))
        {
            int layer = choice.Family.Layer;
            string part = Part(choice.Family.Kind), name = TensorNames.Weight(layer, part);
            StoredTensor weight = run.Weights[name];
            WeightMask mask = WeightMask.FromNonZeros(cut.Mask(name, weight));
            float[] bias = new BiasCompensation()
                .Update(name, weight.ToArray(), mask, statistics[name], run.CancellationToken).BiasChange!;
            string biasName = TensorNames.Bias(layer, part);
            if (smaller.Weights.TryGetValue(biasName, out StoredTensor? before))
                System.Numerics.Tensors.TensorPrimitives.Add(bias, before.ToArray(), bias);
            spec = spec.WithAddedBiases(layer, [part]);
            biases.Add(new ArrayTensor(biasName, bias, [bias.Length], StructuralCut.PlainType(weight)));
        }

        return smaller.With(spec, biases, run.TempFolder, run.CancellationToken);
    }

    private void CheckOptions(DependencyGraph graph)
    {
        if (!(Ratio > 0 && Ratio < 1))
            throw new ArgumentException($"The ratio is {Ratio}; it must lie between 0 and 1, without the ends.");
        if (!CountsHeads)
        {
            if (RemovedHeads != 0)
            {
                throw new ArgumentException($"{RemovedHeads} heads are to go, but the structure {NameOf(Structure)} "
                    + "decides that itself; leave the number out, or choose ul-mm or al-mm.");
            }

            return;
        }

        int layers = graph.Spec.Layers.Count, most = graph.Spec.Layers.Sum(l => l.KeyValueHeads - 1);
        if (RemovedHeads < 0 || RemovedHeads > most
            || Structure == FlapStructure.UlMm && RemovedHeads % layers != 0)
        {
            throw new ArgumentException(
                $"{RemovedHeads} key/value heads are to go; with the structure {NameOf(Structure)} 0 to {most} can"
                + (Structure == FlapStructure.UlMm ? $", a multiple of the {layers} layers." : "."));
        }

        if (Neurons(graph, [.. Families(graph)], RemovedHeads) < 0)
        {
            throw new ArgumentException($"{RemovedHeads} key/value heads are already more than the ratio {Ratio} of "
                + "all parameters; remove fewer heads, or raise the ratio.");
        }
    }
}
