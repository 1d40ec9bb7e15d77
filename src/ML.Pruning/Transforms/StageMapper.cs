using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Transforms;

/// <summary>Maps rows of one input schema through a stage.</summary>
internal sealed class StageMapper : IRowToRowMapper
{
    private readonly DataViewSchema.Column[] _dependencies;

    public StageMapper(LlmTransformer stage, DataViewSchema input)
    {
        Stage = stage;
        InputSchema = input;
        foreach (StageColumn column in stage.Inputs) column.Find(input);
        _dependencies = [.. stage.Dependencies.Select(c => c.Find(input))];
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        foreach (StageColumn column in stage.Outputs) builder.AddColumn(column.Name, column.Type);
        OutputSchema = builder.ToSchema();
    }

    public LlmTransformer Stage { get; }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema { get; }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
    {
        var needed = new SortedSet<int>();
        foreach (DataViewSchema.Column column in dependingColumns)
        {
            if (column.Index < InputSchema.Count) needed.Add(column.Index);
            else foreach (DataViewSchema.Column dependency in _dependencies) needed.Add(dependency.Index);
        }

        return [.. needed.Select(i => InputSchema[i])];
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new StageRow(this, input, Active(activeColumns));
    }

    /// <summary>Which columns of the output schema are asked for.</summary>
    public bool[] Active(IEnumerable<DataViewSchema.Column> columns)
    {
        var active = new bool[OutputSchema.Count];
        foreach (DataViewSchema.Column column in columns) active[column.Index] = true;
        return active;
    }

    /// <summary>Whether any added column is asked for.</summary>
    public bool AnyAdded(bool[] active) => active.AsSpan(InputSchema.Count).Contains(true);
}
