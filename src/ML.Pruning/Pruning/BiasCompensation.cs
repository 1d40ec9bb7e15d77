using ML.Pruning.Calibration;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Makes up for removed weights by a constant: the bias takes over what they gave on average.</summary>
/// <remarks>
/// <para>b[o] += sum over removed i of W[o, i] mean(x_i), with the mean over all calibration tokens; weights that stay
/// keep their values. Exact for inputs that are constant; otherwise what is left of the error of a row is the spread of
/// its removed part around its mean. An et al. 2023, arXiv:2312.11983 (FLAP), there for removed input channels.
/// In float64.</para>
/// <para>Maps without a bias get one (<see cref="Models.LayerSpec.AddedBiases"/>). Rounding to a grid is not made up
/// for. Immutable and thread-safe.</para>
/// </remarks>
public sealed class BiasCompensation : IWeightUpdate
{
    /// <inheritdoc/>
    public string Name => "bias";

    /// <inheritdoc/>
    public StatisticsNeeds Needs => StatisticsNeeds.Moments;

    /// <inheritdoc/>
    public bool ChangesBias => true;

    /// <inheritdoc/>
    public WeightUpdateResult Update(string tensorName, float[] weight, WeightMask mask,
        ActivationStatistics statistics, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentNullException.ThrowIfNull(mask);
        ArgumentNullException.ThrowIfNull(statistics);
        var change = new float[mask.Rows];
        ReadOnlySpan<double> sum = statistics.Sum;
        for (int row = 0; row < mask.Rows; row++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Span<float> values = weight.AsSpan(row * mask.Columns, mask.Columns);
            ReadOnlySpan<ulong> words = mask.GetRow(row);
            double total = 0;
            for (int i = 0; i < values.Length; i++)
            {
                if (WeightMask.IsKept(words, i)) continue;
                total += values[i] * sum[i];
                values[i] = 0;
            }

            change[row] = (float)(total / statistics.TokenCount);
        }

        return new WeightUpdateResult(double.NaN, 0, 0) { BiasChange = change };
    }
}
