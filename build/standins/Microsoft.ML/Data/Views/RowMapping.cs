namespace Microsoft.ML.Data;

/// <summary>What a row-to-row transformer computes, bound to one input schema.</summary>
internal interface IRowMapper
{
    /// <summary>The added columns; indices of outputs below are positions in this array.</summary>
    DataViewSchema.DetachedColumn[] GetOutputColumns();

    IEnumerable<DataViewSchema.Column> GetDependencies(Func<int, bool> activeOutput);

    /// <summary>A ValueGetter of the output's raw type over the input row; state belongs to this one row.</summary>
    Delegate CreateGetter(DataViewRow input, int output, Func<int, bool> activeOutput);
}

/// <summary>
/// An input schema plus the columns a mapper adds. A new name goes to the end, a known one right behind the
/// column that it hides.
/// </summary>
internal sealed class RowMapping : IRowToRowMapper
{
    private readonly IRowMapper _mapper;
    private readonly int[] _sources;

    internal RowMapping(DataViewSchema inputSchema, IRowMapper mapper)
    {
        InputSchema = inputSchema;
        _mapper = mapper;
        DataViewSchema.DetachedColumn[] added = mapper.GetOutputColumns();
        _sources = Order(inputSchema, added);
        var builder = new DataViewSchema.Builder();
        foreach (int source in _sources)
        {
            DataViewSchema.DetachedColumn column =
                source >= 0 ? new DataViewSchema.DetachedColumn(inputSchema[source]) : added[~source];
            builder.AddColumn(column.Name, column.Type, column.Annotations);
        }
        OutputSchema = builder.ToSchema();
    }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema { get; }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
    {
        bool[] active = ActiveColumns.Flags(OutputSchema, dependingColumns);
        var needed = new bool[InputSchema.Count];
        for (int i = 0; i < active.Length; i++)
            if (active[i] && _sources[i] >= 0)
                needed[_sources[i]] = true;
        foreach (DataViewSchema.Column column in _mapper.GetDependencies(ActiveOutputs(active)))
            needed[column.Index] = true;
        return InputSchema.Where(column => needed[column.Index]);
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(activeColumns);
        Check.Param(ReferenceEquals(input.Schema, InputSchema), nameof(input),
            "Schema of input row must be the same as the schema the mapper is bound to");
        return new Row(input, new Columns(this, input, ActiveColumns.Flags(OutputSchema, activeColumns)));
    }

    internal DataViewRowCursor GetCursor(DataViewRowCursor input, bool[] active) =>
        new Cursor(input, new Columns(this, input, active));

    private static int[] Order(DataViewSchema input, DataViewSchema.DetachedColumn[] added)
    {
        List<int> order = [.. Enumerable.Range(0, input.Count)];
        string NameOf(int source) => source >= 0 ? input[source].Name : added[~source].Name;
        for (int i = 0; i < added.Length; i++)
        {
            string name = added[i].Name;
            int hidden = order.FindLastIndex(source => NameOf(source) == name);
            order.Insert(hidden < 0 ? order.Count : hidden + 1, ~i);
        }
        return [.. order];
    }

    private Func<int, bool> ActiveOutputs(bool[] active)
    {
        var outputs = new HashSet<int>();
        for (int i = 0; i < active.Length; i++)
            if (active[i] && _sources[i] < 0)
                outputs.Add(~_sources[i]);
        return outputs.Contains;
    }

    /// <summary>The getters of one row or cursor.</summary>
    private sealed class Columns
    {
        private readonly RowMapping _mapping;
        private readonly DataViewRow _input;
        private readonly bool[] _active;
        private readonly Delegate[] _added;

        internal Columns(RowMapping mapping, DataViewRow input, bool[] active)
        {
            _mapping = mapping;
            _input = input;
            _active = active;
            _added = new Delegate[active.Length];
            Func<int, bool> activeOutput = mapping.ActiveOutputs(active);
            for (int i = 0; i < active.Length; i++)
                if (active[i] && mapping._sources[i] < 0)
                    _added[i] = mapping._mapper.CreateGetter(input, ~mapping._sources[i], activeOutput);
        }

        internal DataViewSchema Schema => _mapping.OutputSchema;

        internal bool IsActive(DataViewSchema.Column column) =>
            ActiveColumns.IsIn(Schema, column) && _active[column.Index];

        internal ValueGetter<TValue> Getter<TValue>(DataViewRow row, DataViewSchema.Column column)
        {
            ActiveColumns.CheckActive(row, column);
            int source = _mapping._sources[column.Index];
            return source >= 0
                ? _input.GetGetter<TValue>(_mapping.InputSchema[source])
                : ActiveColumns.Cast<TValue>(_added[column.Index]);
        }
    }

    private sealed class Row(DataViewRow input, Columns columns) : DataViewRow
    {
        public override DataViewSchema Schema => columns.Schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => columns.IsActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            columns.Getter<TValue>(this, column);

        protected override void Dispose(bool disposing)
        {
            if (disposing) input.Dispose();
            base.Dispose(disposing);
        }
    }

    private sealed class Cursor(DataViewRowCursor input, Columns columns) : WrappingCursor(input)
    {
        public override DataViewSchema Schema => columns.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => columns.IsActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            columns.Getter<TValue>(this, column);
    }
}

/// <summary>A data view with a mapper's columns added; rows are computed as they are pulled.</summary>
internal sealed class MappedDataView(IDataView source, RowMapping mapping) : IDataView
{
    public bool CanShuffle => source.CanShuffle;

    public DataViewSchema Schema => mapping.OutputSchema;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = ActiveColumns.Flags(Schema, columnsNeeded);
        return mapping.GetCursor(source.GetRowCursor(Needed(active), rand), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n,
        Random rand = null)
    {
        bool[] active = ActiveColumns.Flags(Schema, columnsNeeded);
        return Array.ConvertAll(source.GetRowCursorSet(Needed(active), n, rand),
            cursor => mapping.GetCursor(cursor, active));
    }

    private IEnumerable<DataViewSchema.Column> Needed(bool[] active) =>
        mapping.GetDependencies(Schema.Where(column => active[column.Index]));
}
