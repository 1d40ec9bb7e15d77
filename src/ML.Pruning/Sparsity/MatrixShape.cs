using ML.Pruning.Checkpoints;

namespace ML.Pruning.Sparsity;

/// <summary>Rows and columns of a stored matrix.</summary>
internal static class MatrixShape
{
    /// <summary>Rows and columns.</summary>
    /// <exception cref="ArgumentException">The tensor has not two dimensions, or one above 2^31 - 1.</exception>
    public static (int Rows, int Columns) Of(StoredTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.Shape.Count != 2 || tensor.Shape.Any(d => d > int.MaxValue))
        {
            throw new ArgumentException($"Tensor '{tensor.Name}' has shape [{string.Join(", ", tensor.Shape)}]; "
                + "a matrix is needed.", nameof(tensor));
        }

        return ((int)tensor.Shape[0], (int)tensor.Shape[1]);
    }
}
