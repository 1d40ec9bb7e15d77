using Microsoft.ML;

namespace ML.Pruning.Transforms;

/// <summary>Computes the output columns of a stage for a batch of rows; serves one cursor or row.</summary>
internal interface IRowComputer
{
    /// <summary>Copies what the current input row holds into a place of the batch.</summary>
    void Read(int slot);

    /// <summary>Computes the outputs of the first places.</summary>
    void Compute(int count);

    /// <summary>A getter of an output column.</summary>
    /// <param name="output">Index in <see cref="LlmTransformer.Outputs"/>.</param>
    /// <param name="currentSlot">Gives the place of the current row; computes the batch when it has not been.</param>
    /// <returns>A <see cref="ValueGetter{TValue}"/> of the column's raw type.</returns>
    Delegate CreateGetter(int output, Func<int> currentSlot);
}
