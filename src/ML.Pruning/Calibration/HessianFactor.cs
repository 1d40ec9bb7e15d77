using System.Runtime.InteropServices;
using ML.Pruning.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Calibration;

/// <summary>A layer's damped Hessian and the upper Cholesky factor U of its inverse, in float64.</summary>
/// <remarks>
/// <para>H = 2/n sum x x^T; where H_jj = 0 (a dead column) H_jj becomes 1; then damping times the mean of the diagonal
/// is added to the diagonal. U^T U = H^-1. Frantar and Alistarh 2023, arXiv:2301.00774, section 3.3.</para>
/// <para>U is found without inverting H: with rows and columns reversed H = L L^T, and U is the inverse of L, reversed
/// back. When H is not positive definite the damping is raised tenfold until it is.</para>
/// </remarks>
internal sealed class HessianFactor : IDisposable
{
    private const double Raise = 10;
    private const double LowestRaised = 1e-6;
    private const double HighestRaised = 1e6;
    private const double Epsilon = 1.0 / (1L << 52); // of float64

    private const int InvertRows = 256;
    private const int InvertColumns = 1024;

    private readonly HessianSum _sum;
    private readonly long _tokens;

    // L^-1: U with rows and columns reversed.
    private Tensor _inverse = null!;

    private HessianFactor(HessianSum sum, long tokens, double asked)
    {
        _sum = sum;
        _tokens = tokens;
        Asked = asked;
    }

    /// <summary>Damping asked for, as a fraction of the mean of the diagonal.</summary>
    public double Asked { get; }

    /// <summary>Damping used; higher than asked when the factorisation failed with less.</summary>
    public double Used { get; private set; }

    /// <summary>Rows of U from their diagonal on.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="count">Rows.</param>
    /// <returns>A new tensor [count, features - first], float64: the columns from the first row's diagonal on; zero
    /// below the diagonal.</returns>
    public Tensor Upper(int first, int count)
    {
        using DisposeScope scope = NewDisposeScope();
        long features = _inverse.shape[0];
        return _inverse.narrow(0, features - first - count, count).narrow(1, 0, features - first).flip(0, 1)
            .MoveToOuterDisposeScope();
    }

    /// <summary>Columns whose input is 0 for all tokens, ascending.</summary>
    public IReadOnlyList<int> DeadColumns { get; private set; } = [];

    /// <summary>Bytes that factorising holds at most beside the sum, for a number of features.</summary>
    public static long PeakBytes(long features) => 2 * HessianSum.Bytes(features) + FactorPieces(features);

    /// <summary>Bytes that a factor holds, for a number of features.</summary>
    public static long Bytes(long features) => HessianSum.Bytes(features);

    /// <summary>Factorises.</summary>
    /// <param name="sum">The sum; must outlive the factor.</param>
    /// <param name="tokens">Tokens in it, at least 1.</param>
    /// <param name="damping">Fraction of the mean of the diagonal to add, at least 0.</param>
    /// <exception cref="ArithmeticException">No damping helps.</exception>
    public static HessianFactor Of(HessianSum sum, long tokens, double damping)
    {
        using var noGradient = no_grad();
        var factor = new HessianFactor(sum, tokens, damping);
        double highest = Math.Max(HighestRaised, damping);
        for (double used = damping; used <= highest; used = Math.Max(used * Raise, LowestRaised))
            if (factor.TryFactorise(used)) return factor;

        throw new ArithmeticException($"The Hessian of {tokens} tokens has no Cholesky factor, even with a damping of "
            + $"{HighestRaised} times the mean of its diagonal.");
    }

    /// <summary>The damped Hessian that was factorised.</summary>
    /// <returns>A new tensor [features, features], float64.</returns>
    public Tensor ToDampedHessian() => Damp(Used);

    /// <summary>The diagonals of U and of the inverse.</summary>
    public HessianDiagonals Diagonals()
    {
        using DisposeScope scope = NewDisposeScope();
        double[] factor = ToArray(_inverse.diagonal().flip(0));
        Tensor squares = zeros(_inverse.shape[1], dtype: ScalarType.Float64);
        for (long row = 0; row < factor.Length; row += InvertRows)
        {
            using DisposeScope pieceScope = NewDisposeScope();
            squares.add_(_inverse.narrow(0, row, Math.Min(InvertRows, factor.Length - row)).square().sum(0L));
        }

        double[] inverse = ToArray(squares.flip(0));
        foreach (int column in DeadColumns) factor[column] = inverse[column] = double.PositiveInfinity;
        return new HessianDiagonals(Asked, Used, inverse, factor);
    }

    /// <inheritdoc/>
    public void Dispose() => _inverse.Dispose();

    private static double[] ToArray(Tensor vector)
    {
        using Tensor dense = vector.contiguous();
        return MemoryMarshal.Cast<byte, double>(dense.bytes).ToArray();
    }

    private bool TryFactorise(double damping)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor damped = Damp(damping);
        Tensor reversed = damped.flip(0, 1);
        damped.Dispose();
        if (Invert(reversed) is not { } inverse) return false;
        _inverse = inverse.DetachFromDisposeScope();
        Used = damping;
        return true;
    }

    // L^-1 of a matrix L L^T, which is disposed; null if it has no such factor. Of a singular matrix rounding may leave
    // one, on one LAPACK and not on another: a pivot L_ii^2 of at most n eps A_ii is none.
    private static Tensor? Invert(Tensor matrix)
    {
        using MatrixProducts.Timing timing = MatrixProducts.Time("factor");
        (Tensor lower, Tensor info) = linalg.cholesky_ex(matrix);
        Tensor lost = matrix.diagonal() * (matrix.shape[0] * Epsilon);
        matrix.Dispose();
        if (info.item<int>() != 0 || lower.diagonal().square().le(lost).any().ToBoolean()) return null;
        InvertInPlace(lower);
        return lower;
    }

    // By runs of rows: with the rows above inverted to X, row run i becomes -(L_ii^-1 L_i) X, then L_ii^-1.
    private static void InvertInPlace(Tensor lower)
    {
        long features = lower.shape[0];
        for (long start = 0; start < features; start += InvertRows)
        {
            using DisposeScope scope = NewDisposeScope();
            long rows = Math.Min(InvertRows, features - start);
            Tensor run = lower.narrow(0, start, rows), square = run.narrow(1, start, rows);
            Tensor inverse = linalg.solve_triangular(square, eye(rows, dtype: ScalarType.Float64), upper: false);
            square.copy_(inverse);
            Tensor left = inverse.matmul(run.narrow(1, 0, start));
            for (long column = 0; column < start; column += InvertColumns)
            {
                long width = Math.Min(InvertColumns, start - column), rest = start - column;
                run.narrow(1, column, width).addmm_(left.narrow(1, column, rest),
                    lower.narrow(0, column, rest).narrow(1, column, width), 0, -1);
            }
        }
    }

    private static long FactorPieces(long features) => 2 * sizeof(double) * InvertRows * features;

    private Tensor Damp(double damping)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor hessian = _sum.ToHessian(_tokens);
        Tensor diagonal = hessian.diagonal();
        Tensor dead = diagonal.eq(0);
        double[] isDead = ToArray(dead.to_type(ScalarType.Float64));
        DeadColumns = [.. Enumerable.Range(0, isDead.Length).Where(i => isDead[i] != 0)];
        diagonal.masked_fill_(dead, 1);
        diagonal.add_(damping * diagonal.mean().item<double>());
        return hessian.MoveToOuterDisposeScope();
    }
}
