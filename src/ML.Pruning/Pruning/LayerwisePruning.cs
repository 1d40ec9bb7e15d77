using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>A method that sets single weights of the linear maps to zero and leaves every shape as it is: the choices
/// that such methods have in common.</summary>
/// <remarks>Immutable and thread-safe. Embeddings and head are left alone unless <see cref="IncludeTensors"/> names
/// them.</remarks>
public abstract class LayerwisePruning : PruningMethod
{
    private const double DefaultSparsity = 0.5;
    private const double Agreement = 1e-9;
    private const long BaseMemoryBytes = 128L << 20;

    private protected LayerwisePruning()
    {
    }

    /// <summary>Which weights compete. N:M patterns make their own groups.</summary>
    public ComparisonGroup Group { get; init; }

    /// <summary>Which shapes of zeros are allowed.</summary>
    public SparsityPattern Pattern { get; init; } = SparsityPattern.Unstructured;

    /// <summary>How the sparsity is shared out among the tensors.</summary>
    public ISparsityAllocation Allocation { get; init; } = UniformAllocation.Instance;

    /// <summary>Fraction of zeros in the pruned tensors, in [0, 1); null = what the pattern sets, else 0.5.</summary>
    public double? Sparsity { get; init; }

    /// <summary>Whether tensors that the pattern does not divide are left dense and reported, instead of
    /// refused.</summary>
    public bool SkipIndivisible { get; init; }

    /// <summary>Canonical names of the tensors to prune, with * for any characters; null = the linear maps of all
    /// layers.</summary>
    public IReadOnlyList<string>? IncludeTensors { get; init; }

    /// <summary>Canonical names of tensors to leave alone, with * for any characters.</summary>
    public IReadOnlyList<string> ExcludeTensors { get; init; } = [];

    /// <summary>The integer grid on which the weights that stay are put, each on the nearest point, after the others
    /// were removed; null = they stay floating-point numbers. Zeros stay zeros, and small weights may become
    /// zeros.</summary>
    public WeightGrid? Quantization { get; init; }

    /// <summary>Masks from outside, which say what goes instead of the other choices.</summary>
    private protected virtual MaskFile? OutsideMasks => null;

    /// <summary>Whether tensors compete with each other.</summary>
    private protected bool IsJoint =>
        Pattern is not NofMPattern && Group is ComparisonGroup.Layer or ComparisonGroup.Model;

    /// <summary>Whether the maps that are pruned get biases.</summary>
    private protected virtual bool ChangesBiases => false;

    /// <inheritdoc/>
    internal override string MemoryAdvice
    {
        get
        {
            var choices = new List<string> { base.MemoryAdvice };
            if (Needs.OfInputs() != StatisticsNeeds.None && Calibration.Storage == CalibrationStorage.Memory)
                choices.Add("keep calibration activations on disk");
            if (Needs.HasFlag(StatisticsNeeds.Hessian)) choices.Add("choose a method without Hessians, such as wanda");
            if (Needs.OfGradients() != StatisticsNeeds.None)
                choices.Add("choose a method without gradients, such as wanda or sparsegpt");
            return string.Join(", or ", choices);
        }
    }

    /// <summary>What <see cref="Pruner.SaveStatistics"/> has to gather.</summary>
    internal (StatisticsNeeds Needs, MovementOptions Movement) Required => (Needs, Movement);

    /// <summary>All statistics that are needed at any time.</summary>
    private protected virtual StatisticsNeeds Needs => StatisticsNeeds.None;

    /// <summary>Columns of a tile.</summary>
    private protected virtual int TileColumns => MaskSelector.TileColumns;

    /// <inheritdoc/>
    public override PruningPlan Plan(ModelSpec spec, TensorType weightType = TensorType.F32) =>
        Plan(spec, weightType, Calibration);

    /// <inheritdoc/>
    internal override PruningPlan Plan(ModelSpec spec, TensorType weightType, CalibrationOptions calibration)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (Quantization is not null && AcceptsNonFinite)
        {
            throw new ArgumentException($"Weights that are NaN or infinite cannot be put on the grid {Quantization}; "
                + "refuse them, or leave the grid out.");
        }

        CheckOptions();
        var skipped = new List<SkippedTensor>();
        PlannedTensor[] tensors = OutsideMasks is { } masks ? PlanByMasks(spec, masks) : PlanByShape(spec, skipped);
        RequireObservable(tensors);
        long disk = Quantization is { } grid
            ? tensors.Sum(t => grid.StorageBytes(t.Rows, t.Columns))
            : tensors.Sum(t => t.Count) * weightType.BitsPerElement() / 8;
        return new PruningPlan
        {
            Method = Name,
            Before = spec,
            After = ChangesBiases ? WithBiases(spec, tensors) : spec,
            Tensors = tensors,
            Zeros = TotalZeros(tensors),
            Skipped = skipped,
            PeakMemoryBytes = EstimateMemory(spec, tensors, calibration),
            DiskBytes = disk,
            WeightType = weightType,
            Quantization = Quantization,
        };
    }

    /// <inheritdoc/>
    public override JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["method"] = Name,
        };
        if (OutsideMasks is { } masks)
        {
            json["maskFileHash"] = masks.Hash;
        }
        else
        {
            json["sparsity"] = ResolveSparsity();
            json["pattern"] = Pattern.ToString();
            json["group"] = Pattern is NofMPattern ? null : LowerCase(Group);
            json["allocation"] = Allocation.Name;
            if (Allocation.Options() is { Count: > 0 } options) json["allocationOptions"] = options;
            json["skipIndivisible"] = SkipIndivisible;
        }

        if (Quantization is not null) json["quantization"] = Quantization.ToString();
        if (IncludeTensors is not null) json["include"] = Names(IncludeTensors);
        if (ExcludeTensors.Count > 0) json["exclude"] = Names(ExcludeTensors);
        return json;
    }

    /// <summary>Refuses options that do not go together.</summary>
    private protected virtual void CheckOptions()
    {
    }

    /// <summary>How a training run goes, if one is needed.</summary>
    private protected virtual MovementOptions Movement => MovementOptions.Default;

    /// <summary>Bytes of Hessians and weight updates.</summary>
    private protected virtual UpdateMemory EstimateUpdate(ModelSpec spec, IReadOnlyList<PlannedTensor> tensors) =>
        default;

    private static ModelSpec WithBiases(ModelSpec spec, PlannedTensor[] tensors) => tensors.GroupBy(t => t.Layer)
        .Aggregate(spec, (grown, layer) => grown.WithAddedBiases(layer.Key, spec.Linears(layer.Key)
            .Where(l => layer.Any(t => t.Name == l.WeightName)).Select(l => l.Part)));

    // Whether sparsities are known only when the model has been looked at.
    private bool IsMeasured => Allocation is IScoredAllocation or SensitivityAllocation;

    private static string LowerCase(ComparisonGroup group) => group.ToString().ToLowerInvariant();

    private static JsonArray Names(IReadOnlyList<string> names) => new([.. names.Select(n => (JsonNode)n)]);

    private double ResolveSparsity()
    {
        double sparsity = Sparsity ?? Pattern.ImpliedSparsity ?? DefaultSparsity;
        if (!(sparsity >= 0 && sparsity < 1))
            throw new ArgumentException($"The sparsity is {sparsity}; it must lie in [0, 1).");
        if (Pattern.ImpliedSparsity is { } implied && Math.Abs(implied - sparsity) > Agreement)
        {
            throw new ArgumentException($"The pattern {Pattern} sets the sparsity to {implied}, but {sparsity} was "
                + "given; leave the sparsity out, or choose another pattern.");
        }

        return Pattern.ImpliedSparsity ?? sparsity;
    }

    private PlannedTensor[] PlanByShape(ModelSpec spec, List<SkippedTensor> skipped)
    {
        double sparsity = ResolveSparsity();
        WeightShape[] shapes = [.. TensorSelection.Choose(spec, IncludeTensors, ExcludeTensors)
            .Where(shape => Divides(shape, skipped))];
        if (shapes.Length == 0)
            throw new PruningException($"The pattern {Pattern} divides none of the {skipped.Count} tensors.");
        PlannedTensor[] tensors = [.. shapes.Zip(Allocate(shapes, sparsity), PlanTensor)];
        return IsMeasured ? [.. tensors.Select(t => t with { IsExact = false })] : tensors;
    }

    private PlannedTensor[] PlanByMasks(ModelSpec spec, MaskFile masks)
    {
        IReadOnlyDictionary<string, StoredTensor> resolved = masks.Resolve(spec);
        PlannedTensor[] tensors = [.. TensorSelection.Choose(spec, IncludeTensors ?? ["*"], ExcludeTensors)
            .Where(shape => resolved.ContainsKey(shape.Name))
            .Select(shape =>
            {
                long zeros = WeightMask.FromNonZeros(resolved[shape.Name]).RemovedCount;
                return new PlannedTensor(shape.Name, shape.Layer, shape.Rows, shape.Columns,
                    (double)zeros / shape.Count, zeros, IsExact: true);
            })];
        return tensors.Length > 0
            ? tensors
            : throw new PruningException("The name patterns leave no tensor that the mask file has a mask for.");
    }

    private bool Divides(WeightShape shape, List<SkippedTensor> skipped)
    {
        if (Pattern.WhyIndivisible(shape.Rows, shape.Columns) is not { } why) return true;
        if (!SkipIndivisible)
        {
            throw new ArgumentException($"Tensor '{shape.Name}' {why}; the pattern {Pattern} needs that. Choose "
                + "another pattern, exclude the tensor, or have such tensors skipped.");
        }

        skipped.Add(new SkippedTensor(shape.Name, why));
        return false;
    }

    private void RequireObservable(PlannedTensor[] tensors)
    {
        if (Needs.OfInputs() == StatisticsNeeds.None) return;
        if (tensors.FirstOrDefault(s => s.Layer < 0) is { } outside)
        {
            throw new ArgumentException($"Tensor '{outside.Name}' lies outside the layers, where calibration does not "
                + $"look; {Name} cannot prune it. Use a method without calibration for it, such as magnitude.");
        }
    }

    private double[] Allocate(WeightShape[] shapes, double sparsity)
    {
        double[] allocated = CheckAllocated(shapes, Allocation.Allocate(shapes, sparsity));
        bool varies = IsMeasured || allocated.Any(s => s != allocated[0]);
        if ((IsJoint || Pattern is NofMPattern) && varies)
        {
            throw new ArgumentException($"The allocation {Allocation.Name} gives tensors different sparsities, but "
                + (IsJoint ? $"in the group {LowerCase(Group)} they compete" : $"the pattern {Pattern} sets one")
                + "; use the uniform allocation.");
        }

        return allocated;
    }

    /// <summary>Refuses what an allocation gave if it is not legal.</summary>
    private protected double[] CheckAllocated(WeightShape[] shapes, IReadOnlyList<double> given)
    {
        double[] allocated = [.. given];
        if (allocated.Length != shapes.Length)
        {
            throw new ArgumentException($"The allocation {Allocation.Name} gave {allocated.Length} numbers for "
                + $"{shapes.Length} tensors.");
        }

        for (int i = 0; i < allocated.Length; i++)
        {
            if (!(allocated[i] >= 0 && allocated[i] < 1))
            {
                throw new ArgumentException($"The allocation {Allocation.Name} gave tensor '{shapes[i].Name}' a "
                    + $"sparsity of {allocated[i]}; it must lie in [0, 1).");
            }
        }

        return allocated;
    }

    /// <summary>The plan of one tensor.</summary>
    private protected PlannedTensor PlanTensor(WeightShape shape, double sparsity)
    {
        (long zeros, bool exact) = RemovalCount.Of(shape, Pattern, Group, sparsity, TileColumns);
        return new PlannedTensor(shape.Name, shape.Layer, shape.Rows, shape.Columns, sparsity, zeros, exact);
    }

    private long TotalZeros(PlannedTensor[] tensors)
    {
        if (!IsJoint || Pattern is BlockPattern || OutsideMasks is not null) return tensors.Sum(t => t.Zeros);
        return tensors.GroupBy(t => Group == ComparisonGroup.Layer ? t.Layer : 0)
            .Sum(g => MaskSelector.RemovedOf(g.Sum(t => t.Count), g.First().Sparsity));
    }

    private long EstimateMemory(ModelSpec spec, PlannedTensor[] tensors, CalibrationOptions calibration)
    {
        long largestLayer = tensors.GroupBy(t => t.Layer).Max(g => g.Sum(t => t.Count));
        long masks = (IsJoint && Group == ComparisonGroup.Model ? tensors.Sum(t => t.Count) : largestLayer) / 8;
        long tiles = Group == ComparisonGroup.Tile ? sizeof(uint) * tensors.Max(t => t.Count) : 0;
        long codes = Quantization is null ? 0 : largestLayer;
        long selection = masks + tiles + codes;
        return BaseMemoryBytes + EstimateCalibration(spec, tensors, calibration) + selection;
    }

    // Gradients come first; their sums stay while the layers stream.
    private long EstimateCalibration(ModelSpec spec, PlannedTensor[] tensors, CalibrationOptions calibration)
    {
        if (StoredStatistics is not null)
        {
            UpdateMemory stored = EstimateUpdate(spec, tensors);
            return LayerStreamingRunner.RuntimeBytes + Math.Max(stored.WhileObserved, stored.WhilePruned)
                + tensors.Sum(t => t.Count) * Needs.BytesPerWeight();
        }

        if (!NeedsCalibration) return 0;
        int samples = calibration.Samples, length = calibration.ResolveLength(spec);
        long count = tensors.Sum(t => t.Count);
        UpdateMemory update = EstimateUpdate(spec, tensors);
        long streaming = Needs.OfInputs() == StatisticsNeeds.None
            ? 0
            : LayerStreamingRunner.ResidentBytes(spec, samples, length, calibration) + InputSample.EstimateBytes(spec)
                + Math.Max(LayerStreamingRunner.PassBytes(spec, samples, length) + update.WhileObserved,
                    update.WhilePruned) + count * Needs.BytesPerWeight();
        long gradients = Needs.OfGradients() == StatisticsNeeds.None
            ? 0
            : GradientRunner.EstimateBytes(spec, count, Needs, Movement, samples, length);
        return Math.Max(Math.Max(streaming, gradients), EstimateScan(spec, samples, length, calibration));
    }

    private long EstimateScan(ModelSpec spec, int samples, int length, CalibrationOptions calibration)
    {
        if (Allocation is not SensitivityAllocation scan) return 0;
        long whole = scan.Measure == SensitivityMeasure.Perplexity ? sizeof(float) * spec.ParameterCount : 0;
        return whole + LayerStreamingRunner.ResidentBytes(spec, samples, length, calibration)
            + LayerStreamingRunner.PassBytes(spec, samples, length) + InputSample.EstimateBytes(spec);
    }
}
