using System.Text.Json.Nodes;

namespace ML.Pruning.Sparsity;

/// <summary>Erdos-Renyi-kernel allocation: the larger a tensor, the sparser.</summary>
/// <remarks>density = epsilon (sum of dimensions / product of dimensions)^power, with epsilon such that all tensors
/// together have the sparsity asked for; tensors that would need a density above 1 stay dense, and epsilon is found
/// anew for the others. Evci et al. 2020, arXiv:1911.11134, section 3. Immutable and thread-safe.</remarks>
/// <param name="power">Exponent, from 0 (uniform) on; 1 in the paper.</param>
public sealed class ErkAllocation(double power = 1) : ISparsityAllocation
{
    /// <summary>The exponent.</summary>
    public double Power { get; } = power >= 0 && double.IsFinite(power)
        ? power
        : throw new ArgumentException($"The power is {power}; it must be 0 or more.", nameof(power));

    /// <inheritdoc/>
    public string Name => "erk";

    /// <inheritdoc/>
    public JsonObject Options() => new() { ["power"] = Power };

    /// <inheritdoc/>
    public IReadOnlyList<double> Allocate(IReadOnlyList<WeightShape> tensors, double sparsity)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return Allocate([.. tensors.Select(t => new long[] { t.Rows, t.Columns })], sparsity);
    }

    /// <summary>The same for tensors of any number of dimensions, such as convolution kernels.</summary>
    /// <param name="shapes">Dimensions of each tensor, each at least 1.</param>
    /// <param name="sparsity">The sparsity of all of them together, in [0, 1).</param>
    /// <returns>One number in [0, 1) for each tensor, in the same order.</returns>
    /// <exception cref="ArgumentException">The sparsity is out of range.</exception>
    public IReadOnlyList<double> Allocate(IReadOnlyList<long[]> shapes, double sparsity)
    {
        ArgumentNullException.ThrowIfNull(shapes);
        if (!(sparsity >= 0 && sparsity < 1))
            throw new ArgumentException($"The sparsity is {sparsity}; it must lie in [0, 1).", nameof(sparsity));
        double[] counts = [.. shapes.Select(s => s.Aggregate(1.0, (product, d) => product * d))];
        double[] raw = [.. shapes.Zip(counts, (s, count) => Math.Pow(s.Sum() / count, Power))];
        var dense = new bool[shapes.Count];
        while (true)
        {
            // The weights that are to stay outside the dense tensors, shared out in proportion to raw * count.
            double stay = (1 - sparsity) * counts.Sum(), share = 0;
            for (int i = 0; i < raw.Length; i++)
            {
                if (dense[i]) stay -= counts[i];
                else share += raw[i] * counts[i];
            }

            double epsilon = share > 0 ? stay / share : 0;
            double highest = raw.Where((_, i) => !dense[i]).DefaultIfEmpty(0).Max();
            if (epsilon * highest <= 1)
                return [.. raw.Select((r, i) => dense[i] ? 0 : Math.Clamp(1 - epsilon * r, 0, Math.BitDecrement(1.0)))];
            for (int i = 0; i < raw.Length; i++) dense[i] |= raw[i] == highest;
        }
    }
}
