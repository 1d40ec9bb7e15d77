using ML.Pruning.Checkpoints;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Tests.Pruning;

/// <summary>SparseGPT in float64 by its definition: at each column the inverse Hessian of the columns that are left is
/// computed anew by Gauss-Jordan elimination. No Cholesky factor, no lazy updates.</summary>
internal static class Float64SparseGpt
{
    /// <summary>Prunes a matrix.</summary>
    /// <param name="weight">W [rows, n].</param>
    /// <param name="damped">H [n, n], with dead columns and damping dealt with; dead columns have only the
    /// diagonal.</param>
    /// <param name="pattern">Unstructured or N:M.</param>
    /// <param name="sparsity">Fraction of each tile.</param>
    /// <param name="tile">Columns of a tile.</param>
    /// <param name="given">A mask to use instead of choosing one.</param>
    /// <param name="grid">A grid for the weights that stay, with the scale of each group from what its kept weights
    /// would become without rounding as far as the tile goes, at its first column.</param>
    /// <returns>The updated weights, and what stays.</returns>
    public static (double[] Weight, bool[] Keep) Prune(float[] weight, double[] damped, SparsityPattern pattern,
        double sparsity, int tile = 128, bool[]? given = null, WeightGrid? grid = null)
    {
        int n = (int)Math.Sqrt(damped.Length), rows = weight.Length / n;
        double[] w = Array.ConvertAll(weight, v => (double)v);
        double[][] inverses = [.. Enumerable.Range(0, n).Select(first => Invert(damped, n, first))];
        bool[] keep = given is null ? [.. Enumerable.Repeat(true, w.Length)] : [.. given];
        var scales = new float[rows];
        double Score(int row, int column) =>
            weight[row * n + column] == 0 ? -1 : w[row * n + column] * w[row * n + column] / inverses[column][0];
        for (int j = 0; j < n; j++)
        {
            if (given is null && pattern is NofMPattern nofM && j % nofM.M == 0)
            {
                for (int r = 0; r < rows; r++) Drop(Block(r, 1, j, nofM.M), nofM.M - nofM.N);
            }
            else if (given is null && pattern is UnstructuredPattern && j % tile == 0)
            {
                int width = Math.Min(tile, n - j);
                Drop(Block(0, rows, j, width), (int)((long)rows * width * sparsity));
            }

            for (int r = 0; r < rows; r++)
            {
                if (grid is not null && j % grid.GroupColumns(n) == 0)
                {
                    scales[r] = Quantizer.ScaleOfLargest((float)Largest(r, j), grid);
                }

                bool kept = keep[r * n + j];
                if (kept && grid is null) continue;
                sbyte code = kept ? Quantizer.Quantize((float)w[r * n + j], scales[r], grid!) : (sbyte)0;
                double target = Quantizer.Dequantize(code, scales[r]);
                double error = (w[r * n + j] - target) / inverses[j][0];
                for (int k = j; k < n; k++) w[r * n + k] -= error * inverses[j][k - j];
                w[r * n + j] = target;
            }
        }

        return (w, keep);

        double Largest(int row, int first)
        {
            double[] ahead = w[(row * n)..((row + 1) * n)];
            bool[] stays = keep[(row * n)..((row + 1) * n)];
            int end = Math.Min(n, first + grid!.GroupColumns(n)), m = pattern is NofMPattern p ? p.M : 1;
            int last = Math.Min(Math.Min(n, (first / tile + 1) * tile), (end + m - 1) / m * m);
            for (int j = first; j < last; j++)
            {
                if (given is null && pattern is NofMPattern nofM && j % m == 0)
                {
                    foreach (int column in Enumerable.Range(j, m)
                        .OrderBy(c => ahead[c] * ahead[c] / inverses[c][0]).Take(m - nofM.N).ToArray())
                        stays[column] = false;
                }

                if (stays[j]) continue;
                double error = ahead[j] / inverses[j][0];
                for (int k = j; k < last; k++) ahead[k] -= error * inverses[j][k - j];
                ahead[j] = 0;
            }

            return Enumerable.Range(first, end - first).Max(i => stays[i] ? Math.Abs(ahead[i]) : 0);
        }

        void Drop(IEnumerable<(int Row, int Column)> places, int count)
        {
            foreach ((int row, int column) in places.OrderBy(p => Score(p.Row, p.Column)).Take(count).ToArray())
                keep[row * n + column] = false;
        }
    }

    /// <summary>tr(D H D^T) of the difference of two matrices.</summary>
    public static double Error(float[] before, double[] after, double[] hessian)
    {
        int n = (int)Math.Sqrt(hessian.Length);
        double sum = 0;
        for (int r = 0; r < after.Length / n; r++)
        {
            for (int i = 0; i < n; i++)
            {
                double row = 0;
                for (int j = 0; j < n; j++) row += hessian[i * n + j] * (after[r * n + j] - before[r * n + j]);
                sum += (after[r * n + i] - before[r * n + i]) * row;
            }
        }

        return sum;
    }

    private static IEnumerable<(int Row, int Column)> Block(int firstRow, int rows, int firstColumn, int width) =>
        Enumerable.Range(0, rows * width).Select(i => (firstRow + i / width, firstColumn + i % width));

    // The first row of the inverse of the lower right part of a symmetric matrix.
    private static double[] Invert(double[] matrix, int n, int first)
    {
        int m = n - first;
        var a = new double[m, 2 * m];
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < m; j++) a[i, j] = matrix[(first + i) * n + first + j];
            a[i, m + i] = 1;
        }

        for (int pivot = 0; pivot < m; pivot++)
        {
            double scale = 1 / a[pivot, pivot];
            for (int j = 0; j < 2 * m; j++) a[pivot, j] *= scale;
            for (int i = 0; i < m; i++)
            {
                double factor = a[i, pivot];
                if (i == pivot || factor == 0) continue;
                for (int j = 0; j < 2 * m; j++) a[i, j] -= factor * a[pivot, j];
            }
        }

        return [.. Enumerable.Range(0, m).Select(j => a[0, m + j])];
    }
}
