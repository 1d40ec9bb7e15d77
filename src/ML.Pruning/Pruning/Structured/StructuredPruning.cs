using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;

namespace ML.Pruning.Pruning.Structured;

/// <summary>A method that removes whole groups of parameters (<see cref="DependencyGraph"/>), so that the model becomes
/// physically smaller, and proves it: the result gives the logits of the big model with zeros in all that
/// went.</summary>
/// <remarks>Immutable and thread-safe. Weights on an integer grid that lose something become float32; put the smaller
/// model on the grid again if wanted.</remarks>
public abstract class StructuredPruning : PruningMethod
{
    private const long BaseMemoryBytes = 96L << 20;

    private protected StructuredPruning()
    {
    }

    /// <inheritdoc/>
    public override bool NeedsCalibration => false;

    /// <inheritdoc/>
    public override PruningPlan Plan(ModelSpec spec, TensorType weightType = TensorType.F32)
    {
        ArgumentNullException.ThrowIfNull(spec);
        DependencyGraph graph = DependencyGraph.Of(spec);
        IReadOnlyList<PlannedFamily> families = PlanFamilies(graph);
        if (families.All(f => f.Removed == 0))
            throw new PruningException($"With these options {Name} removes nothing from this model; ask for more.");
        Dictionary<(GroupKind, int), int> removed = families.ToDictionary(f => (f.Kind, f.Layer), f => f.Removed);
        ModelSpec after = KeptUnits.ByCount(spec, (kind, layer) => removed.GetValueOrDefault((kind, layer)))
            .Shrink(spec);
        return new PruningPlan
        {
            Method = Name,
            Before = spec,
            After = PlanAfter(after, families),
            Families = families,
            PeakMemoryBytes = BaseMemoryBytes + EstimateMemory(spec),
            DiskBytes = after.ParameterCount * weightType.BitsPerElement() / 8,
            WeightType = weightType,
        };
    }

    /// <summary>How many groups go, by shape alone.</summary>
    private protected abstract IReadOnlyList<PlannedFamily> PlanFamilies(DependencyGraph graph);

    /// <summary>The shape of the result, where it is more than what is left.</summary>
    /// <param name="after">What is left.</param>
    /// <param name="families">How many groups go.</param>
    private protected virtual ModelSpec PlanAfter(ModelSpec after, IReadOnlyList<PlannedFamily> families) => after;

    /// <summary>Which groups go.</summary>
    private protected abstract StructuralDecision Decide(PruningRun run, DependencyGraph graph);

    /// <summary>Bytes that scoring holds at most, beyond what any run does.</summary>
    private protected virtual long EstimateScoring(ModelSpec spec) => 0;

    /// <inheritdoc/>
    internal override void Run(PruningRun run)
    {
        DependencyGraph graph = DependencyGraph.Of(run.Plan.Before);
        StructuralDecision decision = Decide(run, graph);
        var cut = new StructuralCut(
            graph.Spec, [.. decision.Choices.SelectMany(c => c.Removed.Select(i => c.Family[i]))]);
        using LanguageModel smaller = ModelSlicer.Slice(run.Model, cut, run.TempFolder, run.CancellationToken);
        double difference = MaskedProof.LargestDifference(run.Weights, cut, smaller, run.CancellationToken);
        LanguageModel result = decision.Complete?.Invoke(cut, smaller) ?? new LanguageModel(smaller.ToContent());
        if (!(difference <= MaskedProof.Tolerance))
        {
            run.Note($"The logits of the smaller model differ from those of the big one with zeros by {difference:G3} "
                + $"of the largest logit, more than {MaskedProof.Tolerance}; check the weights for values that are not "
                + "finite or overflow.");
        }

        run.Become(result, new StructureReport
        {
            Before = cut.Before,
            After = result.Spec,
            Families = [.. decision.Choices.Select(c => c.ToReport())],
            LargestLogitDifference = difference,
        });
    }

    // The proof holds a layer of each model; slicing holds pieces.
    private long EstimateMemory(ModelSpec spec)
    {
        long layer = Enumerable.Range(0, spec.Layers.Count).Max(i => spec.LayerParameters(i).Sum(p => p.Count));
        long table = (long)spec.VocabularySize * spec.HiddenSize;
        return Math.Max(EstimateScoring(spec), 2 * sizeof(float) * Math.Max(layer, table));
    }
}
