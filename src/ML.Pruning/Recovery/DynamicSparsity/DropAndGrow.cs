using System.Text.Json.Nodes;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>Every so many steps the weights of the lowest absolute value go and as many others come back: the number of
/// zeros of each matrix stays.</summary>
/// <remarks>
/// <para>At step t &lt; T = <see cref="StopFraction"/> * steps, each <see cref="Interval"/> steps, n = int(nonzeros *
/// f(t)) weights go, f(t) = <see cref="DropFraction"/> / 2 * (1 + cos(pi t / T)) (Evci et al. 2020, arXiv:1911.11134,
/// section 3). Weights that come back start at 0, and the optimizer knows nothing of them. One that goes and is chosen
/// again at once stays as it was. In such a step the weights do not move, as in the authors' code
/// (rigl/sparse_optimizers_base.py), which adds a little noise to |w| where we let the lower index go first.</para>
/// <para>The zeros at the start are those of the model, or of a pruning method that goes first; its allocation (ERK,
/// uniform) says how many each matrix has. Immutable and thread-safe.</para>
/// </remarks>
public abstract record DropAndGrow : SparsityDynamics
{
    private protected DropAndGrow()
    {
    }

    /// <summary>Fraction of the weights that go at first, in (0, 1).</summary>
    public double DropFraction { get; init; } = 0.3;

    /// <summary>Steps from one change to the next, at least 1; null = a twentieth of the steps, from 5 to 100. The
    /// weights do not move in a step with a change, so that a short interval holds the training up.</summary>
    public int? Interval { get; init; }

    /// <summary>Fraction of the training after which masks stay, in (0, 1].</summary>
    public double StopFraction { get; init; } = 0.75;

    /// <inheritdoc/>
    internal override bool FollowsPlan => false;

    /// <summary>The fraction of the weights that go.</summary>
    /// <param name="step">Step t, from 0.</param>
    /// <param name="steps">Steps of the training, at least 1.</param>
    /// <returns>f(t); 0 from T on.</returns>
    public double FractionAt(int step, int steps)
    {
        double end = StopFraction * steps;
        return step >= end ? 0 : DropFraction / 2 * (1 + Math.Cos(Math.PI * step / end));
    }

    /// <inheritdoc/>
    internal override JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["dropFraction"] = DropFraction,
        ["interval"] = Interval,
        ["stopFraction"] = StopFraction,
    };

    /// <inheritdoc/>
    internal override void Validate(TrainingOptions training)
    {
        Require(DropFraction is > 0 and < 1, "drop fraction", DropFraction, "above 0 and below 1");
        Require(Interval is null or >= 1, "interval", Interval ?? 0, "at least 1");
        Require(StopFraction is > 0 and <= 1, "stop fraction", StopFraction, "above 0 and at most 1");
    }

    /// <inheritdoc/>
    internal override TrainingSetup SetUp(DynamicsContext context) => new(context.Parameters)
    {
        Hooks =
        [
            new MaskKeeper(context.Parameters.Where(p => context.Masked.Contains(p.Name)),
                new DropAndGrowMasks(this, context.Steps, Interval ?? Math.Clamp(context.Steps / 20, 5, 100),
                    context.Training.Seed)),
        ],
    };

    /// <summary>How much a removed weight deserves to come back.</summary>
    /// <param name="mask">The matrix, with its gradient.</param>
    /// <param name="random">Random numbers of this matrix and step.</param>
    /// <returns>A score for each weight, finite and at least 0, row-major; or one that is not finite if this is no time
    /// to tell.</returns>
    internal abstract float[] Growth(MaskedParameter mask, Random random);
}
