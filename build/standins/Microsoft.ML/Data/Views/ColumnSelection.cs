namespace Microsoft.ML.Data;

/// <summary>Some columns of a schema, in any order.</summary>
internal sealed class ColumnSelection : IRowToRowMapper
{
    private readonly int[] _sources;

    internal ColumnSelection(DataViewSchema inputSchema, int[] sources)
    {
        InputSchema = inputSchema;
        _sources = sources;
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(sources.Select(source => inputSchema[source]));
        OutputSchema = builder.ToSchema();
    }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema { get; }

    /// <summary>Caches and shuffles keep primitive and vector columns and drop all others.</summary>
    internal static IDataView CopyableColumnsOf(IDataView data)
    {
        DataViewSchema schema = data.Schema;
        if (schema.All(column => PrimitiveTypes.IsCopyable(column.Type))) return data;
        int[] kept = [.. schema.Where(c => PrimitiveTypes.IsCopyable(c.Type)).Select(c => c.Index)];
        return new SelectedDataView(data, new ColumnSelection(schema, kept));
    }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
        dependingColumns.Select(column => _sources[column.Index]).Distinct().Select(source => InputSchema[source]);

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        Check.Param(ReferenceEquals(input.Schema, InputSchema), nameof(input),
            "Schema of input row must be the same as the schema the mapper is bound to");
        return new Row(this, input, ActiveColumns.Flags(OutputSchema, activeColumns));
    }

    internal DataViewRowCursor GetCursor(DataViewRowCursor input, bool[] active) => new Cursor(this, input, active);

    private bool IsActive(bool[] active, DataViewSchema.Column column) =>
        ActiveColumns.IsIn(OutputSchema, column) && active[column.Index];

    private sealed class Row(ColumnSelection selection, DataViewRow input, bool[] active) : DataViewRow
    {
        public override DataViewSchema Schema => selection.OutputSchema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => selection.IsActive(active, column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            ActiveColumns.CheckActive(this, column);
            return input.GetGetter<TValue>(selection.InputSchema[selection._sources[column.Index]]);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) input.Dispose();
            base.Dispose(disposing);
        }
    }

    private sealed class Cursor(ColumnSelection selection, DataViewRowCursor input, bool[] active)
        : WrappingCursor(input)
    {
        public override DataViewSchema Schema => selection.OutputSchema;

        public override bool IsColumnActive(DataViewSchema.Column column) => selection.IsActive(active, column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            ActiveColumns.CheckActive(this, column);
            return Input.GetGetter<TValue>(selection.InputSchema[selection._sources[column.Index]]);
        }
    }
}

/// <summary>A data view of the selected columns.</summary>
internal sealed class SelectedDataView(IDataView source, ColumnSelection selection) : IDataView
{
    public bool CanShuffle => source.CanShuffle;

    public DataViewSchema Schema => selection.OutputSchema;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = ActiveColumns.Flags(Schema, columnsNeeded);
        return selection.GetCursor(source.GetRowCursor(Needed(active), rand), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n,
        Random rand = null)
    {
        bool[] active = ActiveColumns.Flags(Schema, columnsNeeded);
        return Array.ConvertAll(source.GetRowCursorSet(Needed(active), n, rand),
            cursor => selection.GetCursor(cursor, active));
    }

    private IEnumerable<DataViewSchema.Column> Needed(bool[] active) =>
        selection.GetDependencies(Schema.Where(column => active[column.Index]));
}
