using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Fills objects of a row class from the columns of a schema.</summary>
internal sealed class TypedReader<TRow> where TRow : class, new()
{
    private readonly (RowMember Member, DataViewSchema.Column Column)[] _bindings;

    internal TypedReader(DataViewSchema schema, bool ignoreMissingColumns, SchemaDefinition definition)
    {
        definition ??= SchemaDefinition.Create(typeof(TRow), SchemaDefinition.Direction.Write);
        var bindings = new List<(RowMember, DataViewSchema.Column)>();
        foreach (RowMember member in RowMember.Bind(typeof(TRow), definition))
        {
            if (schema.GetColumnOrNull(member.ColumnName) is { } column)
            {
                CheckCompatible(member, column);
                bindings.Add((member, column));
            }
            else if (!ignoreMissingColumns)
                throw Contracts.ExceptSchemaMismatch(null, "Schema", "", member.ColumnName);
        }
        _bindings = [.. bindings];
    }

    internal IEnumerable<DataViewSchema.Column> Columns => _bindings.Select(b => b.Column);

    internal Action<TRow> Bind(DataViewRow row)
    {
        Action<TRow>[] setters =
            [.. _bindings.Select(b => MemberAccess.SetterFor<TRow>(b.Member, row, b.Column))];
        return target =>
        {
            foreach (Action<TRow> set in setters) set(target);
        };
    }

    internal IEnumerable<TRow> Read(IDataView data, bool reuseRowObject)
    {
        using DataViewRowCursor cursor = data.GetRowCursor(Columns);
        Action<TRow> fill = Bind(cursor);
        TRow row = null;
        while (cursor.MoveNext())
        {
            if (!reuseRowObject || row == null) row = new TRow();
            fill(row);
            yield return row;
        }
    }

    private static void CheckCompatible(RowMember member, DataViewSchema.Column column)
    {
        (bool isVector, Type itemType) = MemberTypes.Describe(member.Member);
        bool fits = isVector
            ? column.Type is VectorDataViewType vector && vector.ItemType.RawType == itemType
            : column.Type is not VectorDataViewType && column.Type.RawType == itemType;
        if (!fits)
            throw new InvalidOperationException(
                $"Can't bind the IDataView column '{member.ColumnName}' of type '{column.Type}' to field or property "
                + $"'{member.Member.Name}' of type '{member.MemberType.FullName}'.");
    }
}
