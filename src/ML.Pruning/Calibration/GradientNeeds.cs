namespace ML.Pruning.Calibration;

/// <summary>Which of the needs are about gradients, and which about inputs.</summary>
internal static class GradientNeeds
{
    private const StatisticsNeeds Gradients =
        StatisticsNeeds.Gradient | StatisticsNeeds.SquaredGradient | StatisticsNeeds.Movement;

    /// <summary>The part that takes a backward pass through the whole model.</summary>
    public static StatisticsNeeds OfGradients(this StatisticsNeeds needs) => needs & Gradients;

    /// <summary>The part that is seen while calibration text streams through the layers.</summary>
    public static StatisticsNeeds OfInputs(this StatisticsNeeds needs) => needs & ~Gradients;

    /// <summary>Bytes per weight that <see cref="GradientStatistics"/> hold.</summary>
    public static int BytesPerWeight(this StatisticsNeeds needs) =>
        sizeof(double) * System.Numerics.BitOperations.PopCount((uint)needs.OfGradients());
}
