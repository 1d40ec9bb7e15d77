namespace ML.Pruning.Transforms;

/// <summary>The options that all stages have in common which run a model column on a text column.</summary>
public abstract class TextScoringOptions
{
    private const int MaximumBatchSize = 1024;

    /// <summary>Column with the model.</summary>
    public string ModelColumnName = "Model";

    /// <summary>Column with the text.</summary>
    public string InputColumnName = "Text";

    /// <summary>Rows computed together by a cursor, from 1 to 1024; it does not change the results of a row beyond
    /// rounding.</summary>
    public int BatchSize = 8;

    private protected TextScoringOptions()
    {
    }

    /// <summary>Refuses options out of range.</summary>
    internal virtual void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(ModelColumnName);
        ArgumentException.ThrowIfNullOrEmpty(InputColumnName);
        if (BatchSize is < 1 or > MaximumBatchSize)
        {
            throw new ArgumentOutOfRangeException(
                nameof(BatchSize), BatchSize, $"The batch size must lie between 1 and {MaximumBatchSize}.");
        }
    }
}
