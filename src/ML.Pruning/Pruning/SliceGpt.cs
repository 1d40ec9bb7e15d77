using System.Text.Json;
using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Pruning.Structured;

namespace ML.Pruning.Pruning;

/// <summary>How the kept directions of a sliced stream are turned.</summary>
public enum SliceOrientation
{
    /// <summary>Along the principal components, the strongest first.</summary>
    Pca,

    /// <summary>By a random rotation among themselves, drawn by the seed: no direction is then stronger than
    /// others.</summary>
    Random,
}

/// <summary>SliceGPT: rotates the residual stream into its principal components, layer by layer, and slices the weakest
/// directions off.</summary>
/// <remarks>
/// <para>Ashkboos et al. 2024, arXiv:2401.15024. Gains, biases and means of norms are folded into the linear maps
/// around them; then the stream before attention and before the MLP of each layer is turned by the eigenvectors Q of
/// the sum of x x^T over all calibration tokens, in float64, of which the strongest int((1 - ratio) hidden size),
/// rounded down to a multiple of <see cref="RoundTo"/>, stay. Where the basis changes, the stream passes a shortcut
/// matrix Q_next^T Q_now. The output of the last layer and the head are not sliced. Statistics are those of the sliced
/// model before the layer.</para>
/// <para>Deviations: signals are taken before the norm, as the authors' code does (the paper takes them after it); the
/// output of the last layer is not rotated either, which changes nothing but spares a rotation of the head; the damping
/// of the authors' code is left out, since adding a multiple of the identity changes no eigenvector; the orientation is
/// PCA by default, random on request.</para>
/// <para>The result needs this library: config.json declares <c>residual_width</c>. Models that norm what attention and
/// MLP yield (gemma2) cannot be rotated. Computes in float32. Immutable and thread-safe.</para>
/// </remarks>
public sealed class SliceGpt : PruningMethod
{
    private const long BaseMemoryBytes = 96L << 20;

    /// <summary>Fraction of the residual stream's directions that go, in [0, 1); 0 only rotates.</summary>
    public double Ratio { get; init; } = 0.25;

    /// <summary>The stream's width is rounded down to a multiple of this, at least 1.</summary>
    public int RoundTo { get; init; } = 8;

    /// <summary>How the kept directions are turned.</summary>
    public SliceOrientation Orientation { get; init; } = SliceOrientation.Pca;

    /// <summary>Seed of a random orientation.</summary>
    public int Seed { get; init; }

    /// <inheritdoc/>
    public override string Name => "slicegpt";

    /// <inheritdoc/>
    public override bool NeedsCalibration => true;

    /// <inheritdoc/>
    public override PruningPlan Plan(ModelSpec spec, TensorType weightType = TensorType.F32)
    {
        ArgumentNullException.ThrowIfNull(spec);
        CheckOptions();
        if (spec.ResidualWidth is not null || spec.Norm == NormKind.PlainRmsNorm)
            throw new PruningException("The model is rotated already; slice the model that it was made from.");
        if (spec.PostNorms || spec.EmbeddingNorm && spec.Positions == PositionKind.Learned)
        {
            throw new PruningException($"Model type \"{spec.Family}\" norms the stream where no linear map can take "
                + "the gain (after attention and MLP, or after adding positions), so it cannot be rotated; use another "
                + "method.");
        }

        int width = (int)((1 - Ratio) * spec.HiddenSize);
        width -= width % RoundTo;
        if (width < 1)
        {
            throw new ArgumentException($"With a ratio of {Ratio} nothing would be left of a hidden size of "
                + $"{spec.HiddenSize}, in multiples of {RoundTo}; slice less.");
        }

        ModelSpec after = (spec.Folded() with { ResidualWidth = width }).Validate();
        return new PruningPlan
        {
            Method = Name,
            Before = spec,
            After = after,
            Families = [new PlannedFamily(GroupKind.Channel, -1, spec.HiddenSize, spec.HiddenSize - width)],
            PeakMemoryBytes = BaseMemoryBytes + EstimateMemory(spec),
            DiskBytes = after.ParameterCount * weightType.BitsPerElement() / 8,
            WeightType = weightType,
        };
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["method"] = Name,
        ["ratio"] = Ratio,
        ["roundTo"] = RoundTo,
        ["orientation"] = JsonNamingPolicy.KebabCaseLower.ConvertName(Orientation.ToString()),
        ["seed"] = Orientation == SliceOrientation.Random ? Seed : null,
    };

    /// <inheritdoc/>
    internal override void Run(PruningRun run) => new StreamSlicer(run, this).Run();

    private void CheckOptions()
    {
        if (!(Ratio >= 0 && Ratio < 1))
            throw new ArgumentException($"The ratio is {Ratio}; it must lie between 0 and 1, and 1 is not legal.");
        if (RoundTo < 1) throw new ArgumentException($"Widths are to be multiples of {RoundTo}; at least 1 is needed.");
        if (Calibration.Precision != ComputePrecision.Float32)
            throw new ArgumentException($"{Name} computes in float32; leave the precision out.");
    }

    // The hidden states and a layer; a layer in float64, twice; five matrices of the stream; a table and the head.
    private long EstimateMemory(ModelSpec spec)
    {
        long stream = LayerStreamingRunner.EstimateBytes(
            spec, Calibration.Samples, Calibration.ResolveLength(spec), Calibration);
        long layer = Enumerable.Range(0, spec.Layers.Count).Max(i => spec.LayerParameters(i).Sum(p => p.Count));
        return stream + 2 * sizeof(double) * layer + 5L * sizeof(double) * spec.HiddenSize * spec.HiddenSize
            + 2L * sizeof(float) * spec.VocabularySize * spec.HiddenSize;
    }
}
