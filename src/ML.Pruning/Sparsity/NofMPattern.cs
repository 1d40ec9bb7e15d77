namespace ML.Pruning.Sparsity;

/// <summary>Of each M consecutive input columns of a row, aligned from column 0, N are kept.</summary>
/// <remarks>It sets the sparsity to 1 - N/M. Mishra et al. 2021, arXiv:2104.08378, for 2:4.</remarks>
public sealed record NofMPattern : SparsityPattern
{
    private const int MaxM = 256;

    /// <summary>Creates the pattern.</summary>
    /// <param name="n">Weights kept in each group, at least 1 and less than <paramref name="m"/>.</param>
    /// <param name="m">Consecutive columns in a group, at most 256.</param>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public NofMPattern(int n, int m)
    {
        if (!IsLegal(n, m))
        {
            throw new ArgumentException($"The pattern {n}:{m} keeps {n} of each {m} columns; "
                + $"1 <= N < M <= {MaxM} is needed.");
        }

        N = n;
        M = m;
    }

    /// <summary>Weights kept in each group.</summary>
    public int N { get; }

    /// <summary>Consecutive columns in a group.</summary>
    public int M { get; }

    /// <inheritdoc/>
    public override double? ImpliedSparsity => 1 - (double)N / M;

    /// <inheritdoc/>
    public override string? WhyIndivisible(int rows, int columns) => columns % M == 0
        ? null
        : $"has {columns} columns, which do not divide into groups of {M}";

    /// <inheritdoc/>
    public override string ToString() => $"{N}:{M}";

    internal static bool IsLegal(int n, int m) => n >= 1 && n < m && m <= MaxM;
}
