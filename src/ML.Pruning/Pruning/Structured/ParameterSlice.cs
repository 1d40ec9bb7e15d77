namespace ML.Pruning.Pruning.Structured;

/// <summary>A run of rows, columns or elements of a parameter tensor.</summary>
/// <param name="Tensor">Canonical name.</param>
/// <param name="Dimension">0 = rows (or the elements of a vector), 1 = columns.</param>
/// <param name="Start">First index along the dimension.</param>
/// <param name="Count">How many.</param>
public sealed record ParameterSlice(string Tensor, int Dimension, int Start, int Count)
{
    /// <inheritdoc/>
    public override string ToString()
    {
        string what = Dimension == 0 ? "row" : "column";
        return Count == 1 ? $"{what} {Start} of {Tensor}" : $"{what}s {Start}..{Start + Count - 1} of {Tensor}";
    }
}
