using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

public abstract class OneToOneTransformerBase : RowToRowTransformerBase
{
    private protected readonly (string outputColumnName, string inputColumnName)[] ColumnPairs;

    private protected OneToOneTransformerBase(IHost host,
        params (string outputColumnName, string inputColumnName)[] columns) : base(host)
    {
        ArgumentNullException.ThrowIfNull(columns);
        var outputs = new HashSet<string>();
        foreach ((string output, string input) in columns)
        {
            Check.NonEmpty(output, nameof(columns));
            Check.NonEmpty(input, nameof(columns));
            Check.Param(outputs.Add(output), nameof(columns), $"Output column '{output}' specified multiple times");
        }
        ColumnPairs = columns;
    }

    private protected OneToOneTransformerBase(IHost host, ModelLoadContext ctx) : base(host)
    {
        // int count, then output and input name of each pair.
        ColumnPairs = new (string, string)[ctx.Reader.ReadInt32()];
        for (int i = 0; i < ColumnPairs.Length; i++)
            ColumnPairs[i] = (ctx.LoadNonEmptyString(), ctx.LoadNonEmptyString());
    }

    private protected void SaveColumns(ModelSaveContext ctx)
    {
        ctx.Writer.Write(ColumnPairs.Length);
        foreach ((string output, string input) in ColumnPairs)
        {
            ctx.SaveNonEmptyString(output);
            ctx.SaveNonEmptyString(input);
        }
    }

    private protected DataViewSchema.Column FindInput(DataViewSchema schema, int pair) =>
        schema.GetColumnOrNull(ColumnPairs[pair].inputColumnName)
        ?? throw Contracts.ExceptSchemaMismatch(null, "inputSchema", "input", ColumnPairs[pair].inputColumnName);
}
