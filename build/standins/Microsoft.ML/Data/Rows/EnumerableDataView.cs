namespace Microsoft.ML.Data;

/// <summary>Objects of a row class seen as a data view; each cursor enumerates them anew.</summary>
internal sealed class EnumerableDataView<TRow> : IDataView where TRow : class
{
    private readonly IEnumerable<TRow> _rows;
    private readonly RowMember[] _members;

    internal EnumerableDataView(IEnumerable<TRow> rows, SchemaDefinition definition)
    {
        definition ??= SchemaDefinition.Create(typeof(TRow), SchemaDefinition.Direction.Read);
        _rows = rows;
        _members = RowMember.Bind(typeof(TRow), definition);
        Schema = RowMember.ToSchema(_members);
    }

    public bool CanShuffle => false;

    public DataViewSchema Schema { get; }

    public long? GetRowCount() => (_rows as ICollection<TRow>)?.Count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
        new Cursor(this, ActiveColumns.Flags(Schema, columnsNeeded));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n,
        Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : RootCursor
    {
        private readonly IEnumerator<TRow> _enumerator;
        private readonly Delegate[] _getters;
        private TRow _current;

        internal Cursor(EnumerableDataView<TRow> parent, bool[] active) : base(parent.Schema, active)
        {
            _enumerator = parent._rows.GetEnumerator();
            _getters = new Delegate[active.Length];
            for (int i = 0; i < active.Length; i++)
                if (active[i])
                    _getters[i] = MemberAccess.GetterFor(parent._members[i], () => _current);
        }

        protected override bool MoveNextCore()
        {
            if (!_enumerator.MoveNext()) return false;
            _current = _enumerator.Current
                ?? throw new InvalidOperationException("Encountered null when enumerating data");
            return true;
        }

        protected override Delegate GetterOf(int column) => _getters[column];

        protected override void Dispose(bool disposing)
        {
            if (disposing) _enumerator.Dispose();
            base.Dispose(disposing);
        }
    }
}
