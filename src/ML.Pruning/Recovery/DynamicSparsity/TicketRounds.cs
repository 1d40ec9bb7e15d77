namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>Which training of a lottery ticket a step belongs to.</summary>
/// <param name="Steps">Steps in all.</param>
/// <param name="Rounds">Times that the model is pruned.</param>
/// <param name="RewindStep">Step that later trainings start from.</param>
internal readonly record struct TicketRounds(int Steps, int Rounds, int RewindStep)
{
    /// <summary>Steps of the first training; later ones are shorter by the step that they start from.</summary>
    public int Length => (int)((Steps + (long)Rounds * RewindStep) / (Rounds + 1));

    /// <summary>The training, from 0, that a step belongs to; the last one takes the steps that are left
    /// over.</summary>
    public int RoundOf(int step) => step < Length ? 0 : Math.Min(Rounds, 1 + (step - Length) / (Length - RewindStep));

    /// <summary>Where in the schedule of one training a step is.</summary>
    public int PositionOf(int step)
    {
        int round = RoundOf(step);
        return round == 0 ? step : RewindStep + step - Length - (round - 1) * (Length - RewindStep);
    }
}
