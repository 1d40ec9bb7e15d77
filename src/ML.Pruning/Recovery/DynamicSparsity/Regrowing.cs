using System.Text.Json.Nodes;
using ML.Pruning.Pruning;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>Magnitude pruning with regrowing: the model computes by the masked weights, all weights are trained, and
/// every so many steps the mask is chosen again, so that a weight that has grown while it was hidden comes
/// back.</summary>
/// <remarks>
/// <para>The gradient of the masked weights moves all weights (straight through). With <see cref="BackwardSparsity"/>
/// only those are trained that are among the largest of each group at that lower sparsity: Top-KAST, Jayakumar et al.
/// 2020 (arXiv:2106.03517), without its penalty on weights outside the mask.</para>
/// <para>Needs a rising schedule; after it the mask is still chosen again until <see cref="StopFraction"/>. Immutable
/// and thread-safe.</para>
/// </remarks>
public sealed record Regrowing : SparsityDynamics
{
    /// <inheritdoc/>
    public override string Name => "regrowing";

    /// <summary>Sparsity of what is trained, in [0, 1) and at most that of the masks; null = all weights are.</summary>
    public double? BackwardSparsity { get; init; }

    /// <summary>Fraction of the training after which masks stay, and hidden weights are no longer trained, in
    /// (0, 1].</summary>
    public double StopFraction { get; init; } = 0.8;

    /// <inheritdoc/>
    internal override bool NeedsRamp => true;

    /// <inheritdoc/>
    internal override JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["backwardSparsity"] = BackwardSparsity,
        ["stopFraction"] = StopFraction,
    };

    /// <inheritdoc/>
    internal override void Validate(TrainingOptions training)
    {
        Require(BackwardSparsity is null or (>= 0 and < 1), "backward sparsity", BackwardSparsity ?? 0,
            "at least 0 and below 1");
        Require(StopFraction is > 0 and <= 1, "stop fraction", StopFraction, "above 0 and at most 1");
    }

    /// <inheritdoc/>
    internal override TrainingSetup SetUp(DynamicsContext context)
    {
        (PlannedTensor Tensor, StraightThroughMatrix Matrix)[] matrices = [.. context.Planned()
            .Select(p => (p.Tensor, new StraightThroughMatrix(p.Tensor.Name, p.Parameter)))];
        return new TrainingSetup(context.Parameters)
        {
            Hooks = [new RegrowingHook(this, matrices, context), context.KeepOthers()],
        };
    }
}
