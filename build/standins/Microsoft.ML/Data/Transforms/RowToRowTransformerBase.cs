using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

public abstract class RowToRowTransformerBase : ITransformer
{
    private protected readonly IHost Host;

    private protected RowToRowTransformerBase(IHost host)
    {
        Host = host;
    }

    bool ITransformer.IsRowToRowMapper => true;

    void ICanSaveModel.Save(ModelSaveContext ctx) => SaveModel(ctx);

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => Map(inputSchema);

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Map(inputSchema).OutputSchema;

    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new MappedDataView(input, Map(input.Schema));
    }

    private protected abstract void SaveModel(ModelSaveContext ctx);

    /// <summary>Checks the schema; throws when a column is missing or unsuitable.</summary>
    private protected abstract IRowMapper MakeRowMapper(DataViewSchema schema);

    private RowMapping Map(DataViewSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        return new RowMapping(schema, MakeRowMapper(schema));
    }
}
