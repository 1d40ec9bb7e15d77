using System.Text.Json.Nodes;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>Lottery tickets by iterative magnitude pruning with rewinding: train, prune, give what stays the values
/// that it had early on, train again, and so on.</summary>
/// <remarks>
/// <para>Of n rounds round r leaves (1 - s)^(r / n) of a matrix that ends at sparsity s (Frankle and Carbin 2019,
/// arXiv:1803.03635, strategy 1). All parameters, norms and embeddings included, go back to what they were after
/// <see cref="RewindStep"/> steps of the first round (Frankle et al. 2020, arXiv:1912.05671), bit by bit where they
/// stay; the optimizer forgets everything.</para>
/// <para>The steps are shared out so that every round ends at the same point of the learning-rate schedule: with S
/// steps, n rounds of pruning and k = <see cref="RewindStep"/> the schedule has L = (S + n k) / (n + 1) steps; the
/// first training takes all of them and the others those from k on. Immutable and thread-safe.</para>
/// </remarks>
public sealed record LotteryTicket : SparsityDynamics
{
    /// <inheritdoc/>
    public override string Name => "lottery";

    /// <summary>Times n that the model is pruned, at least 1.</summary>
    public int Rounds { get; init; } = 4;

    /// <summary>Step k whose weights are gone back to; 0 = those at the start.</summary>
    public int RewindStep { get; init; }

    /// <inheritdoc/>
    internal override bool HasOwnSchedule => true;

    /// <inheritdoc/>
    internal override JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["rounds"] = Rounds,
        ["rewindStep"] = RewindStep,
    };

    /// <inheritdoc/>
    internal override void Validate(TrainingOptions training)
    {
        int steps = training.Steps!.Value;
        Require(Rounds >= 1 && Rounds < steps, "number of rounds", Rounds,
            $"from 1 to {steps - 1}, with {steps} steps");
        int length = new TicketRounds(steps, Rounds, 0).Length;
        Require(RewindStep >= 0 && RewindStep < length, "step to go back to", RewindStep,
            $"from 0 to {length - 1}, within the first of {Rounds + 1} trainings of {steps} steps in all");
    }

    /// <inheritdoc/>
    internal override TrainingSetup SetUp(DynamicsContext context)
    {
        var rounds = new TicketRounds(context.Steps, Rounds, RewindStep);
        TrainingOptions one = context.Training with
        {
            Steps = rounds.Length,
            WarmupSteps = (int)((long)context.Training.WarmupSteps!.Value * rounds.Length / context.Steps),
        };
        return new TrainingSetup(context.Parameters)
        {
            Hooks = [new TicketHook(rounds, context), context.KeepOthers()],
            LearningRateAt = step => one.LearningRateAt(rounds.PositionOf(step)),
        };
    }
}
