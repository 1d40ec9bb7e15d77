using System.Text.Json.Nodes;

namespace ML.Pruning.Sparsity;

/// <summary>Outlier-weighed layer-wise allocation: layers with many outliers stay denser.</summary>
/// <remarks>
/// <para>D = fraction of a layer's scores |W| ||X|| above M times their mean. The densities are the D mapped linearly
/// to a span of 2 lambda whose mean over the layers, weighted by their sizes, is 1 - sparsity; all tensors of a layer
/// share one. Yin et al. 2023, arXiv:2310.05175; M and lambda as in the authors' README.</para>
/// <para>Immutable and thread-safe.</para>
/// </remarks>
/// <param name="m">How many times the mean makes an outlier, above 0.</param>
/// <param name="lambda">Half the span of the sparsities, from 0 to below 0.5.</param>
public sealed class OwlAllocation(double m = 5, double lambda = 0.08) : IScoredAllocation
{
    /// <summary>How many times the mean makes an outlier.</summary>
    public double M { get; } = m > 0 && double.IsFinite(m)
        ? m
        : throw new ArgumentException($"M is {m}; it must be above 0.", nameof(m));

    /// <summary>Half the span of the sparsities.</summary>
    public double Lambda { get; } = lambda is >= 0 and < 0.5
        ? lambda
        : throw new ArgumentException($"Lambda is {lambda}; it must lie in [0, 0.5).", nameof(lambda));

    /// <inheritdoc/>
    public string Name => "owl";

    /// <inheritdoc/>
    public JsonObject Options() => new() { ["m"] = M, ["lambda"] = Lambda };

    /// <inheritdoc/>
    public bool UsesActivationScores => true;

    /// <inheritdoc/>
    public IReadOnlyList<double> Allocate(IReadOnlyList<WeightShape> tensors, double sparsity) =>
        UniformAllocation.Instance.Allocate(tensors, sparsity);

    /// <inheritdoc/>
    public IReadOnlyList<double> AllocateByScores(IReadOnlyList<WeightShape> tensors, double sparsity,
        IReadOnlyList<IScoreSource> scores, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentNullException.ThrowIfNull(scores);
        (int Layer, double Outliers, long Count)[] layers = [.. tensors.Zip(scores).GroupBy(p => p.First.Layer)
            .Select(g => (g.Key, Outliers([.. g.Select(p => p.Second)], cancellationToken),
                g.Sum(p => p.First.Count)))];
        double lowest = layers.Min(l => l.Outliers), range = layers.Max(l => l.Outliers) - lowest;
        double Raise(double outliers) => range > 0 ? (outliers - lowest) / range * 2 * Lambda : 0;
        double mean = layers.Sum(l => Raise(l.Outliers) * l.Count) / layers.Sum(l => l.Count);
        Dictionary<int, double> byLayer =
            layers.ToDictionary(l => l.Layer, l => sparsity + mean - Raise(l.Outliers));
        return [.. tensors.Select(t => byLayer[t.Layer])];
    }

    private double Outliers(IScoreSource[] sources, CancellationToken cancellationToken)
    {
        double sum = 0;
        long count = 0, above = 0;
        ForEachChunk(sources, cancellationToken, scores =>
        {
            foreach (float score in scores)
                if (score is > 0 and < float.MaxValue) sum += score;
            count += scores.Length;
        });
        double limit = M * sum / count;
        ForEachChunk(sources, cancellationToken, scores =>
        {
            foreach (float score in scores)
                if (score > limit) above++;
        });
        return (double)above / count;
    }

    private static void ForEachChunk(
        IScoreSource[] sources, CancellationToken cancellationToken, Action<ReadOnlySpan<float>> body)
    {
        foreach (IScoreSource source in sources)
        {
            foreach ((int firstRow, int rowCount) in RowChunks.Of(source.Rows, source.Columns))
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var scores = new PooledBuffer<float>(rowCount * source.Columns);
                source.ReadScores(firstRow, rowCount, scores.Span);
                body(scores.Span);
            }
        }
    }
}
