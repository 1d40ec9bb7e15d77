using ML.Pruning.Calibration;

namespace ML.Pruning.Importance;

/// <summary>Scores each weight by how far the loss is expected to change when it alone goes, from the Taylor series of
/// the loss around the weights.</summary>
/// <remarks>
/// <para>With g the mean gradient and F the mean squared gradient of single windows, which stands for the diagonal of
/// the Hessian:</para>
/// <para>First order |w g|: Molchanov et al. 2017, arXiv:1611.06440, here weight by weight.</para>
/// <para>Second order w^2 F / 2: optimal brain damage (LeCun et al. 1989) with Fisher information for the Hessian,
/// which is the Fisher pruning of Theis et al. 2018, arXiv:1801.05787. The code of Ma et al. leaves the factor 1/2 out:
/// one constant, hence the same order. It is kept here, so that scores estimate the change of the loss in nats a
/// token.</para>
/// <para>Mixed |w g - w^2 F / 2|: Ma et al. 2023, arXiv:2305.11627, eq. 5.</para>
/// <para>Setting w to 0 changes the loss by - w g + w^2 F / 2. In float64, rounded to float32. Thread-safe.</para>
/// </remarks>
/// <param name="order">Which terms.</param>
public sealed class TaylorCriterion(TaylorOrder order = TaylorOrder.First) : IWeightCriterion
{
    /// <summary>Which terms.</summary>
    public TaylorOrder Order { get; } = Enum.IsDefined(order)
        ? order
        : throw new ArgumentException($"The Taylor order is {order}; choose First, Second or Mixed.", nameof(order));

    /// <inheritdoc/>
    public string Name => Order switch
    {
        TaylorOrder.First => "taylor-first",
        TaylorOrder.Second => "taylor-second",
        _ => "taylor-mix",
    };

    /// <inheritdoc/>
    public StatisticsNeeds Needs => Order switch
    {
        TaylorOrder.First => StatisticsNeeds.Gradient,
        TaylorOrder.Second => StatisticsNeeds.SquaredGradient,
        _ => StatisticsNeeds.Gradient | StatisticsNeeds.SquaredGradient,
    };

    /// <inheritdoc/>
    public void Score(WeightBlock block, ActivationStatistics? statistics, Span<float> scores)
    {
        CriterionChecks.Shape(block, scores);
        GradientStatistics gradients = GradientChecks.Require(block, Needs);
        if (Order == TaylorOrder.First)
        {
            GradientChecks.FirstOrder(block, gradients, scores);
            return;
        }

        ReadOnlySpan<double> squares = GradientChecks.Of(block, gradients.SumOfSquares);
        ReadOnlySpan<double> sums = Order == TaylorOrder.Mixed
            ? GradientChecks.Of(block, gradients.SumOfGradients)
            : [];
        double windows = gradients.WindowCount;
        for (int i = 0; i < scores.Length; i++)
        {
            double weight = block.Weight[i];
            double second = weight * weight * (squares[i] / windows) / 2;
            scores[i] = (float)(sums.IsEmpty ? second : Math.Abs(weight * (sums[i] / windows) - second));
        }
    }
}
