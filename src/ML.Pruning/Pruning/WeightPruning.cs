using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Removes the weights with the lowest scores and leaves the others as they are.</summary>
/// <remarks>
/// <para>Criterion, comparison group, pattern and allocation are chosen independently; <see cref="Magnitude"/>,
/// <see cref="Wanda"/> and <see cref="RandomPruning"/> preset them.</para>
/// <para>With a criterion that needs activations all linear maps of a layer take their statistics from one pass with that
/// layer still dense and all earlier layers pruned. In the group model, where nothing can be decided before the last
/// layer was seen, they come from the model as it was.</para>
/// <para>Immutable and thread-safe.</para>
/// </remarks>
/// <param name="criterion">What is scored.</param>
public class WeightPruning(IWeightCriterion criterion) : LayerwisePruning
{
    /// <summary>Scores the weights.</summary>
    public IWeightCriterion Criterion { get; } = criterion ?? throw new ArgumentNullException(nameof(criterion));

    /// <summary>Whether weights that are NaN or infinite are kept, as if they mattered most, and reported; else they
    /// are refused. Activations that are not finite are refused in any case.</summary>
    public bool AllowNonFinite { get; init; }

    /// <inheritdoc/>
    public override string Name => Criterion.Name;

    /// <inheritdoc/>
    public override bool NeedsCalibration => Criterion.NeedsActivations;

    /// <inheritdoc/>
    public override JsonObject ToJson()
    {
        JsonObject json = base.ToJson();
        if (AllowNonFinite) json["allowNonFinite"] = true;
        foreach ((string key, JsonNode? value) in Criterion.Options()) json[key] = value?.DeepClone();
        return json;
    }

    /// <inheritdoc/>
    internal override bool AcceptsNonFinite => AllowNonFinite;

    /// <inheritdoc/>
    internal override void Run(PruningRun run)
    {
        ILookup<int, PlannedTensor> layers = run.Plan.Tensors.ToLookup(t => t.Layer);
        if (IsJoint && Group == ComparisonGroup.Model)
        {
            RunModelWide(run, layers);
        }
        else if (NeedsCalibration)
        {
            run.Calibrate(new StatisticsVisitor(
                run, (layer, statistics) => PruneLayer(run, [.. layers[layer]], statistics)));
        }
        else
        {
            int done = 0;
            foreach (IGrouping<int, PlannedTensor> layer in layers)
            {
                PruneLayer(run, [.. layer], null);
                run.Report("prune", ++done / (double)layers.Count);
            }
        }
    }

    private void RunModelWide(PruningRun run, ILookup<int, PlannedTensor> layers)
    {
        Dictionary<string, ActivationStatistics>? statistics = null;
        if (NeedsCalibration)
        {
            var visitor = new StatisticsVisitor(run, null);
            run.Calibrate(visitor);
            statistics = visitor.Statistics;
            run.Note("Tensors of all layers competed, so the statistics come from the model before pruning.");
        }

        PlannedTensor[] all = [.. run.Plan.Tensors];
        IReadOnlyList<WeightMask> masks = MaskSelector.SelectJointly(
            [.. all.Select(t => Scores(run, t, statistics))], Pattern, all[0].Sparsity, run.CancellationToken);
        Dictionary<string, WeightMask> byName = all.Zip(masks).ToDictionary(p => p.First.Name, p => p.Second);
        int done = 0;
        foreach (IGrouping<int, PlannedTensor> layer in layers)
        {
            run.Store([.. layer.Select(t => MaskedTensor.Over(run.Tensor(t), byName[t.Name]))]);
            run.Report("prune", ++done / (double)layers.Count);
        }
    }

    private void PruneLayer(
        PruningRun run, PlannedTensor[] tensors, IReadOnlyDictionary<string, ActivationStatistics>? statistics)
    {
        IReadOnlyList<WeightMask> masks = IsJoint
            ? MaskSelector.SelectJointly(
                [.. tensors.Select(t => Scores(run, t, statistics))], Pattern, tensors[0].Sparsity, run.CancellationToken)
            : [.. tensors.Select(t => MaskSelector.Select(
                Scores(run, t, statistics), Pattern, Group, t.Sparsity, run.CancellationToken))];
        run.Store([.. tensors.Zip(masks, (t, mask) => MaskedTensor.Over(run.Tensor(t), mask))]);
    }

    private CriterionScores Scores(
        PruningRun run, PlannedTensor tensor, IReadOnlyDictionary<string, ActivationStatistics>? statistics)
    {
        ActivationStatistics? own = statistics?[tensor.Name];
        if (own is { IsFinite: false })
        {
            throw new PruningException($"The inputs of '{tensor.Name}' are not finite on the calibration text; the "
                + "model's weights are damaged, or its activations overflow.");
        }

        return new CriterionScores(run.Tensor(tensor), tensor, Criterion, own, AllowNonFinite);
    }
}
