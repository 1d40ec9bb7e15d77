namespace Microsoft.ML.Data;

/// <summary>One object of a row class seen as a row; all columns are active.</summary>
internal sealed class InputRow<TRow> : DataViewRow where TRow : class
{
    private readonly Delegate[] _getters;
    private TRow _current;
    private long _position = -1;

    internal InputRow(SchemaDefinition definition)
    {
        definition ??= SchemaDefinition.Create(typeof(TRow), SchemaDefinition.Direction.Read);
        RowMember[] members = RowMember.Bind(typeof(TRow), definition);
        Schema = RowMember.ToSchema(members);
        _getters = Array.ConvertAll(members, member => MemberAccess.GetterFor(member, () => _current));
    }

    public override DataViewSchema Schema { get; }

    public override long Position => _position;

    public override long Batch => 0;

    public override ValueGetter<DataViewRowId> GetIdGetter() =>
        (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);

    public override bool IsColumnActive(DataViewSchema.Column column) => ActiveColumns.IsIn(Schema, column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        ActiveColumns.CheckActive(this, column);
        return ActiveColumns.Cast<TValue>(_getters[column.Index]);
    }

    internal void Set(TRow row)
    {
        _current = row;
        _position++;
    }
}
