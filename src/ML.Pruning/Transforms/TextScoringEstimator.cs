using Microsoft.ML;

namespace ML.Pruning.Transforms;

/// <summary>Base of the estimators of stages that run a model column on a text column: they check the schema and have
/// nothing to learn.</summary>
/// <typeparam name="TTransformer">The fitted stage.</typeparam>
public abstract class TextScoringEstimator<TTransformer> : IEstimator<TTransformer>
    where TTransformer : LlmTransformer
{
    private readonly TTransformer _transformer;

    private protected TextScoringEstimator(TTransformer transformer) => _transformer = transformer;

    /// <summary>Checks the schema; there is nothing to learn.</summary>
    /// <param name="input">Data with the model and the text column.</param>
    /// <returns>The stage.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public TTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _transformer.GetOutputSchema(input.Schema);
        return _transformer;
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        foreach (StageColumn column in _transformer.Inputs) column.Check(inputSchema);
        return StageColumn.Add(inputSchema, _transformer.Outputs);
    }
}
