using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace ML.Pruning.Transforms;

/// <summary>Base of the fitted stages of this library: adds columns to each row, lazily.</summary>
/// <remarks>Thread-safe: what is computed lives in cursors and rows.</remarks>
public abstract class LlmTransformer : ITransformer, IDisposable
{
    private protected LlmTransformer(IHostEnvironment env, string name)
    {
        ArgumentNullException.ThrowIfNull(env);
        Host = env.Register(name);
    }

    private protected IHost Host { get; }

    /// <summary>The columns that must be in the input.</summary>
    internal abstract IReadOnlyList<StageColumn> Inputs { get; }

    /// <summary>The columns whose values are read to compute the outputs.</summary>
    internal abstract IReadOnlyList<StageColumn> Dependencies { get; }

    /// <summary>The columns that are added.</summary>
    internal abstract IReadOnlyList<StageColumn> Outputs { get; }

    bool ITransformer.IsRowToRowMapper => true;

    /// <inheritdoc/>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new StageMapper(this, inputSchema).OutputSchema;
    }

    /// <inheritdoc/>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new StageView(input, new StageMapper(this, input.Schema));
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new StageMapper(this, inputSchema);
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        Save(ctx);
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>What computes the outputs for the rows of one cursor.</summary>
    /// <param name="input">The row or cursor to read from.</param>
    /// <param name="capacity">Rows that are computed together at most.</param>
    internal abstract IRowComputer CreateComputer(DataViewRow input, int capacity);

    /// <summary>Rows that a cursor computes together; 1 when outputs cost nothing.</summary>
    internal virtual int BatchSize => 1;

    private protected abstract void Save(ModelSaveContext ctx);
}
