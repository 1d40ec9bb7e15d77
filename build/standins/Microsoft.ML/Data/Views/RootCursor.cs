namespace Microsoft.ML.Data;

/// <summary>A cursor without an input cursor: it counts its rows and names them by their number.</summary>
internal abstract class RootCursor(DataViewSchema schema, bool[] active) : DataViewRowCursor
{
    private long _position = -1;
    private bool _done;

    public override DataViewSchema Schema => schema;

    public override long Position => _position;

    public override long Batch => 0;

    /// <summary>Names the row: the same row has the same number in every cursor.</summary>
    protected virtual long IdLow => _position;

    public override bool MoveNext()
    {
        if (!_done && MoveNextCore())
        {
            _position++;
            return true;
        }
        _done = true;
        _position = -1;
        return false;
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) =>
    {
        CheckOnRow();
        id = new DataViewRowId((ulong)IdLow, 0);
    };

    public override bool IsColumnActive(DataViewSchema.Column column) =>
        ActiveColumns.IsIn(schema, column) && active[column.Index];

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        ActiveColumns.CheckActive(this, column);
        ValueGetter<TValue> getter = ActiveColumns.Cast<TValue>(GetterOf(column.Index));
        return (ref TValue value) =>
        {
            CheckOnRow();
            getter(ref value);
        };
    }

    protected abstract bool MoveNextCore();

    protected abstract Delegate GetterOf(int column);

    private void CheckOnRow()
    {
        if (_position < 0)
            throw new InvalidOperationException(
                "Cannot call a value getter before the cursor has moved to a row or after its last row");
    }
}
