using System.Diagnostics;
using System.Numerics.Tensors;
using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Removes the weights with the lowest scores; those that stay keep their values, or make up for those that
/// go.</summary>
/// <remarks>
/// <para>Criterion, comparison group, pattern, allocation and update are chosen independently; <see cref="Magnitude"/>,
/// <see cref="Wanda"/>, <see cref="SparseGpt"/>, <see cref="RandomPruning"/>, <see cref="TaylorPruning"/>,
/// <see cref="Snip"/> and <see cref="MovementScores"/> preset them.</para>
/// <para>Criteria by gradients take them from the model as it was, before anything goes.</para>
/// <para>With a criterion or update that needs activations all linear maps of a layer take their statistics from one
/// pass with that layer still dense and all earlier layers pruned. Scores that are compared across layers (the group
/// model, and allocations by score), where nothing can be decided before the last layer was seen, come from the model
/// as it was.</para>
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

    /// <summary>Masks from outside, which say what goes; then criterion, group, pattern, allocation and sparsity have
    /// no say.</summary>
    public MaskFile? Masks { get; init; }

    /// <summary>Moves the weights that stay; null = they keep their values, bit by bit.</summary>
    public IWeightUpdate? Update { get; init; }

    /// <inheritdoc/>
    public override string Name => Criterion.Name;

    /// <summary>Statistics saved by <see cref="Pruner.SaveStatistics"/>, which take the place of calibration text: no
    /// text is needed and the model does not run. They are those of the model before pruning; null = with text, each
    /// layer sees the activations of the pruned layers before it.</summary>
    public StatisticsFile? Statistics { get; init; }

    /// <inheritdoc/>
    public override bool NeedsCalibration => Statistics is null
        && (Needs != StatisticsNeeds.None || Masks is null && Allocation is SensitivityAllocation);

    /// <inheritdoc/>
    internal override StatisticsFile? StoredStatistics => Needs == StatisticsNeeds.None ? null : Statistics;

    /// <inheritdoc/>
    internal override void CheckStatistics(LanguageModel model) => StoredStatistics?.RequireFor(model, Needs);

    /// <inheritdoc/>
    private protected override MaskFile? OutsideMasks => Masks;

    /// <inheritdoc/>
    private protected override StatisticsNeeds Needs => LayerNeeds | ModelNeeds;

    /// <inheritdoc/>
    private protected override bool ChangesBiases => Update is { ChangesBias: true };

    /// <inheritdoc/>
    private protected override MovementOptions Movement => Criterion.Movement;

    /// <inheritdoc/>
    private protected override int TileColumns =>
        Criterion is SparseGptCriterion sparseGpt ? sparseGpt.BlockSize : MaskSelector.TileColumns;

    /// <summary>Whether calibration text streams even if nothing else needs it, to measure output errors.</summary>
    internal bool MeasuresOutputs { get; private init; }

    // Masks that follow the sweep instead of the scores.
    private SparseGptCriterion? Sweeping => Masks is null && (Group == ComparisonGroup.Tile || Pattern is NofMPattern)
        ? Criterion as SparseGptCriterion
        : null;

    // The grid that the update puts the weights on by itself.
    private WeightGrid? JointGrid => Update is SparseGptUpdate { RoundsInSweep: true } ? Quantization : null;

    private bool IsModelWide => Masks is null && IsJoint && Group == ComparisonGroup.Model;

    // What is needed while layers are pruned one by one.
    private StatisticsNeeds LayerNeeds => (Masks is null && !IsModelWide ? Criterion.Needs : StatisticsNeeds.None)
        | (Update?.Needs ?? StatisticsNeeds.None)
        | (MeasuresOutputs ? StatisticsNeeds.SumSquares : StatisticsNeeds.None);

    // What is needed of the model as it was.
    private StatisticsNeeds ModelNeeds => IsModelWide ? Criterion.Needs
        : Masks is null && Allocation is IScoredAllocation scored ? AllocationCriterion(scored).Needs
        : StatisticsNeeds.None;

    /// <inheritdoc/>
    public override JsonObject ToJson()
    {
        JsonObject json = base.ToJson();
        if (AllowNonFinite) json["allowNonFinite"] = true;
        if (Masks is null) Copy(Criterion.Options(), json);
        if (StoredStatistics is { } file)
        {
            json["statistics"] = new JsonObject
            {
                ["windows"] = file.Windows,
                ["sequenceLength"] = file.WindowLength,
                ["windowHash"] = file.WindowHash,
                ["precision"] = file.Precision,
            };
        }

        if (Update is null) return json;
        var update = new JsonObject { ["name"] = Update.Name };
        Copy(Update.Options(), update);
        json["update"] = update;
        return json;
    }

    /// <summary>Scores of weights in memory, by a criterion that needs no statistics.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="weights">[rows, columns], row-major.</param>
    internal IScoreSource ScoresOf(PlannedTensor tensor, float[] weights) => new CriterionScores(
        new ArrayTensor(tensor.Name, weights, [tensor.Rows, tensor.Columns], TensorType.F32), tensor, Criterion,
        statistics: null, gradients: null, allowNonFinite: false);

    /// <summary>The same method with other choices.</summary>
    internal WeightPruning With(
        ISparsityAllocation allocation, double? sparsity, IWeightUpdate? update, bool measuresOutputs) =>
        new(Criterion)
        {
            AllowNonFinite = AllowNonFinite,
            Masks = Masks,
            Update = update,
            Group = Group,
            Pattern = Pattern,
            Allocation = allocation,
            Sparsity = sparsity,
            SkipIndivisible = SkipIndivisible,
            IncludeTensors = IncludeTensors,
            ExcludeTensors = ExcludeTensors,
            Quantization = Quantization,
            Calibration = Calibration,
            Statistics = Statistics,
            MeasuresOutputs = measuresOutputs,
        };

    /// <inheritdoc/>
    internal override bool AcceptsNonFinite => AllowNonFinite;

    /// <inheritdoc/>
    internal override void Run(PruningRun run)
    {
        if (StoredStatistics is not null)
            run.Note("The statistics come from a file, hence from the model before pruning in all layers.");
        run.Differentiate(Needs, Movement);
        IReadOnlyList<PlannedTensor> tensors =
            Masks is null && Allocation is IScoredAllocation scored ? Measure(run, scored) : run.Plan.Tensors;
        Func<string, Choice>? masks = IsModelWide ? SelectModelWide(run)
            : Masks?.Resolve(run.Plan.Before) is { } outside
                ? name => new Choice(WeightMask.FromNonZeros(outside[name]), null)
            : null;
        run.Restore();
        ILookup<int, PlannedTensor> layers = tensors.Where(t => !run.IsStored(t)).ToLookup(t => t.Layer);
        if (LayerNeeds.OfInputs() != StatisticsNeeds.None)
        {
            StatisticsVisitor.PruneLayers(run, LayerNeeds.OfInputs(),
                (layer, statistics) => PruneLayer(run, [.. layers[layer]], masks, statistics));
            return;
        }

        int done = 0;
        foreach (IGrouping<int, PlannedTensor> layer in layers)
        {
            PruneLayer(run, [.. layer], masks, null);
            run.Report("prune", ++done / (double)layers.Count);
        }
    }

    /// <inheritdoc/>
    private protected override UpdateMemory EstimateUpdate(ModelSpec spec, IReadOnlyList<PlannedTensor> tensors) =>
        UpdateMemory.Estimate(spec, tensors, Needs, TileColumns, moves: Update is not null || Sweeping is not null);

    /// <inheritdoc/>
    private protected override void CheckOptions()
    {
        if (AllowNonFinite && (Update is not null || Sweeping is not null))
        {
            throw new ArgumentException("Weights that are NaN or infinite cannot be kept when weights are updated; "
                + "they would spread. Leave the update out, or repair the weights.");
        }

        if (Masks is null && Statistics is not null && Allocation is SensitivityAllocation)
        {
            throw new ArgumentException($"The allocation {Allocation.Name} reads calibration text; with saved "
                + "statistics choose another one.");
        }

        if (JointGrid is { } grid && Update is SparseGptUpdate update)
        {
            int wrong = SweepGrid.Fits(grid, int.MaxValue, update.BlockSize) ? 0 : update.BlockSize;
            if (Sweeping is { } criterion && !SweepGrid.Fits(grid, int.MaxValue, criterion.BlockSize))
                wrong = criterion.BlockSize;
            if (wrong != 0)
            {
                throw new ArgumentException($"The block size is {wrong}; with the grid {grid} one of it and "
                    + $"{grid.GroupColumns(int.MaxValue)} must be a multiple of the other.");
            }
        }

        if (Sweeping is not { } sparseGpt) return;
        if (Pattern is NofMPattern nofM && sparseGpt.BlockSize % nofM.M != 0)
        {
            throw new ArgumentException($"The block size is {sparseGpt.BlockSize}; with the pattern {nofM} it must be "
                + $"a multiple of {nofM.M}.");
        }

        if (Pattern is BlockPattern block && sparseGpt.BlockSize % block.Columns != 0)
        {
            throw new ArgumentException($"The block size is {sparseGpt.BlockSize}; with the pattern {block} it must be "
                + $"a multiple of {block.Columns}.");
        }
    }

    private static void Copy(JsonObject source, JsonObject target)
    {
        foreach ((string key, JsonNode? value) in source) target[key] = value?.DeepClone();
    }

    private IWeightCriterion AllocationCriterion(IScoredAllocation scored) =>
        scored.UsesActivationScores ? new WandaCriterion() : Criterion;

    private PlannedTensor[] Measure(PruningRun run, IScoredAllocation scored)
    {
        IWeightCriterion scorer = AllocationCriterion(scored);
        IReadOnlyList<CriterionScores> scores = ScoreModel(run, scorer);
        PlannedTensor[] planned = [.. run.Plan.Tensors];
        WeightShape[] shapes = [.. planned.Select(t => new WeightShape(t.Name, t.Layer, t.Rows, t.Columns))];
        double[] allocated = CheckAllocated(shapes,
            scored.AllocateByScores(shapes, planned[0].Sparsity, scores, run.CancellationToken));
        run.Note($"The allocation {scored.Name} gave the tensors sparsities from {allocated.Min():0.0000} to "
            + $"{allocated.Max():0.0000}, by the {scorer.Name} scores of the model before pruning.");
        return [.. shapes.Zip(allocated, PlanTensor)];
    }

    private Func<string, Choice> SelectModelWide(PruningRun run)
    {
        IReadOnlyList<CriterionScores> scores = ScoreModel(run, Criterion);
        if (Criterion.Needs.OfInputs() != StatisticsNeeds.None)
            run.Note("Tensors of all layers competed, so the statistics come from the model before pruning.");
        IReadOnlyList<WeightMask> masks = MaskSelector.SelectJointly(
            scores, Pattern, run.Plan.Tensors[0].Sparsity, run.CancellationToken);
        Dictionary<string, Choice> byName = scores.Zip(masks)
            .ToDictionary(p => p.First.Name, p => new Choice(p.Second, ScoreQuantiles.Of(p.First)));
        return name => byName[name];
    }

    private CriterionScores[] ScoreModel(PruningRun run, IWeightCriterion scorer)
    {
        IReadOnlyDictionary<string, ActivationStatistics>? statistics = scorer.Needs.OfInputs() == StatisticsNeeds.None
            ? null
            : StatisticsVisitor.Gather(run, scorer.Needs.OfInputs(), scorer.Prepare);
        return [.. run.Plan.Tensors.Select(t =>
            new CriterionScores(run.Tensor(t), t, scorer, statistics?[t.Name], run.Gradients(t), AllowNonFinite))];
    }

    private void PruneLayer(PruningRun run, PlannedTensor[] tensors, Func<string, Choice>? given,
        IReadOnlyDictionary<string, ActivationStatistics>? statistics)
    {
        WeightMask[]? joint = IsJoint && !IsModelWide && Masks is null
            ? [.. MaskSelector.SelectJointly([.. tensors.Select(t => Scores(run, t, statistics))], Pattern,
                tensors[0].Sparsity, run.CancellationToken)]
            : null;
        var changed = new List<ChangedTensor>();
        for (int i = 0; i < tensors.Length; i++)
        {
            PlannedTensor tensor = tensors[i];
            ActivationStatistics? own = statistics?[tensor.Name];
            long start = Stopwatch.GetTimestamp();
            Choice? choice = given?.Invoke(tensor.Name) ?? (joint is null ? null : new Choice(joint[i], null));
            ChangedTensor pruned = PruneTensor(run, tensor, choice?.Mask, own);
            IReadOnlyList<double>? quantiles = choice?.Quantiles
                ?? (Masks is null && !IsModelWide ? ScoreQuantiles.Of(Scores(run, tensor, own)) : null);
            changed.Add(pruned with
            {
                Target = Masks is null ? tensor.Sparsity : null,
                ScoreQuantiles = quantiles,
                Duration = Stopwatch.GetElapsedTime(start),
            });
            UnusedMemory.Release(tensor.Count);

            // Tensors with the same input follow each other and share the factor; then it is needed no more.
            if (own is not null && (i + 1 == tensors.Length || statistics![tensors[i + 1].Name] != own))
                own.ReleaseHessian();
        }

        run.Store(changed);
    }

    private ChangedTensor PruneTensor(PruningRun run, PlannedTensor tensor, WeightMask? mask, ActivationStatistics? own)
    {
        StoredTensor stored = run.Tensor(tensor);
        float[]? updated = null;
        WeightUpdateResult? result = null;
        if (mask is null && Sweeping is { } sparseGpt)
        {
            bool updates = Update is SparseGptUpdate same && same.Damping == sparseGpt.Damping;
            HessianFactor factor = own!.Factor(sparseGpt.Damping);
            float[] swept = stored.ToArray();
            mask = new WeightMask(tensor.Rows, tensor.Columns);
            WeightUpdateResult sweep = new SparseGptSweep(tensor.Name, factor,
                sparseGpt.BlockSize, updates ? JointGrid : null, run.CancellationToken)
                .Run(swept, mask, new TileMaskChooser(Pattern, tensor.Sparsity));
            Tell(run, tensor, sweep);
            if (updates) (updated, result) = (swept, sweep);
        }

        mask ??= MaskSelector.Select(
            Scores(run, tensor, own), Pattern, Group, tensor.Sparsity, run.CancellationToken);
        if (Update is not null && updated is null)
        {
            updated = stored.ToArray();
            result = Update is SparseGptUpdate sweeps
                ? sweeps.Update(tensor.Name, updated, mask, own!, JointGrid, run.CancellationToken)
                : Update.Update(tensor.Name, updated, mask, own!, run.CancellationToken);
            Tell(run, tensor, result);
        }

        StoredTensor weight = updated is null
            ? MaskedTensor.Over(stored, mask)
            : Narrow(new ArrayTensor(tensor.Name, updated, stored.Shape, stored.Type));
        ChangedTensor changed = result?.Rounding is { } rounding
            ? new ChangedTensor(rounding.Tensor) { Rounding = rounding }
            : ChangedTensor.Of(weight, Quantization, run.CancellationToken);
        return changed with
        {
            Bias = result?.BiasChange is { } change ? MoveBias(run, tensor, stored.Type, change) : null,
            OutputError = own?.Sample?.RelativeError(stored, changed.Weight, result?.BiasChange),
        };
    }

    // As bytes of its type, if these are fewer: the tensors of a layer wait for each other.
    private static StoredTensor Narrow(ArrayTensor tensor)
    {
        if (tensor.ByteLength >= tensor.ElementCount * sizeof(float)) return tensor;
        var bytes = new byte[tensor.ByteLength];
        tensor.ReadBytes(0, bytes);
        return new BytesTensor(tensor.Name, bytes, tensor.Shape, tensor.Type);
    }

    private static ArrayTensor MoveBias(PruningRun run, PlannedTensor tensor, TensorType type, float[] change)
    {
        string name = run.Plan.After.Linears(tensor.Layer).First(l => l.WeightName == tensor.Name).BiasName;
        if (!run.Weights.TryGetValue(name, out StoredTensor? before))
            return new ArrayTensor(name, change, [change.Length], type);
        float[] moved = before.ToArray();
        TensorPrimitives.Add(moved, change, moved);
        return new ArrayTensor(name, moved, before.Shape, before.Type);
    }

    private static void Tell(PruningRun run, PlannedTensor tensor, WeightUpdateResult result)
    {
        if (result.UsedDamping == result.AskedDamping) return;
        run.Note($"The Hessian of '{tensor.Name}' had no Cholesky factor with a damping of {result.AskedDamping}; "
            + $"{result.UsedDamping:G3} was used.");
    }

    private CriterionScores Scores(
        PruningRun run, PlannedTensor tensor, IReadOnlyDictionary<string, ActivationStatistics>? statistics) =>
        Scores(run, tensor, statistics?[tensor.Name]);

    private CriterionScores Scores(PruningRun run, PlannedTensor tensor, ActivationStatistics? statistics) =>
        new(run.Tensor(tensor), tensor, Criterion, statistics, run.Gradients(tensor), AllowNonFinite);

    // What goes of a tensor, chosen before its turn; with the quantiles of the scores, if they are known.
    private sealed record Choice(WeightMask Mask, IReadOnlyList<double>? Quantiles);
}
