using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Importance;
using ML.Pruning.Sparsity;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Pruning;

/// <summary>The best weights for a given mask: the exact minimum of the layer's squared error.</summary>
/// <remarks>
/// <para>For each row w with kept columns K: (H_KK) v_K = (H w)_K, v = 0 elsewhere, with the damped Hessian H. No other
/// update has a lower tr(D H D^T) for the same mask. In float64.</para>
/// <para>Costs |K|^3 / 3 multiply-adds a row: for small models, and as the bound that other updates are judged
/// by.</para>
/// <para>Immutable and thread-safe.</para>
/// </remarks>
/// <param name="damping">Fraction of the mean of the Hessian's diagonal that is added to it, at least 0.</param>
public sealed class LeastSquaresUpdate(double damping = ObsCriterion.DefaultDamping) : IWeightUpdate
{
    /// <summary>Fraction of the mean of the Hessian's diagonal that is added to it.</summary>
    public double Damping { get; } = CriterionChecks.Damping(damping);

    /// <inheritdoc/>
    public string Name => "least-squares";

    /// <inheritdoc/>
    public StatisticsNeeds Needs => StatisticsNeeds.Hessian;

    /// <inheritdoc/>
    public JsonObject Options() => new() { ["damping"] = Damping };

    /// <inheritdoc/>
    public WeightUpdateResult Update(string tensorName, float[] weight, WeightMask mask,
        ActivationStatistics statistics, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentNullException.ThrowIfNull(mask);
        ArgumentNullException.ThrowIfNull(statistics);
        using var noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        HessianFactor factor = statistics.Factor(Damping);
        Tensor hessian = factor.ToDampedHessian();
        double squaredError = 0;
        for (int row = 0; row < mask.Rows; row++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using DisposeScope rowScope = NewDisposeScope();
            Span<float> values = weight.AsSpan(row * mask.Columns, mask.Columns);
            double[] alive = Array.ConvertAll(values.ToArray(), v => (double)v);
            foreach (int column in factor.DeadColumns) alive[column] = 0;
            Tensor before = tensor(alive, dtype: ScalarType.Float64);
            Tensor after = Solve(tensorName, row, hessian, before, Kept(values, mask.GetRow(row), factor.DeadColumns));
            Tensor change = after - before;
            squaredError += change.dot(hessian.mv(change)).item<double>();
            ReadOnlySpan<double> solved = MemoryMarshal.Cast<byte, double>(after.bytes);
            for (int i = 0; i < values.Length; i++) values[i] = (float)solved[i];
        }

        return new WeightUpdateResult(squaredError, factor.Asked, factor.Used);
    }

    private static long[] Kept(ReadOnlySpan<float> values, ReadOnlySpan<ulong> words, IReadOnlyList<int> dead)
    {
        var kept = new List<long>();
        for (int i = 0; i < values.Length; i++)
            if (values[i] != 0 && WeightMask.IsKept(words, i) && !dead.Contains(i)) kept.Add(i);
        return [.. kept];
    }

    private static Tensor Solve(string name, int row, Tensor hessian, Tensor before, long[] kept)
    {
        Tensor after = zeros_like(before);
        if (kept.Length == 0) return after;
        Tensor index = tensor(kept, dtype: ScalarType.Int64);
        Tensor rows = hessian.index_select(0, index);
        (Tensor lower, Tensor info) = linalg.cholesky_ex(rows.index_select(1, index));
        if (info.item<int>() != 0)
        {
            throw new PruningException($"Tensor '{name}': the {kept.Length} kept columns of row {row} are linearly "
                + "dependent on the calibration text; give more text or a higher damping.");
        }

        Tensor half = linalg.solve_triangular(lower, rows.mv(before).unsqueeze(1), upper: false);
        Tensor solved = linalg.solve_triangular(lower.t(), half, upper: true).squeeze(1);
        return after.index_copy_(0, index, solved);
    }
}
