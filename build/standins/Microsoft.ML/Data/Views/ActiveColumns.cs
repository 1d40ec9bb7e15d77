namespace Microsoft.ML.Data;

/// <summary>Which columns a cursor was asked for, and the checks every cursor makes.</summary>
internal static class ActiveColumns
{
    internal static bool[] Flags(DataViewSchema schema, IEnumerable<DataViewSchema.Column> columnsNeeded)
    {
        ArgumentNullException.ThrowIfNull(columnsNeeded);
        var active = new bool[schema.Count];
        foreach (DataViewSchema.Column column in columnsNeeded)
        {
            Check.Param(IsIn(schema, column), nameof(columnsNeeded), $"Column '{column.Name}' is not in the schema");
            active[column.Index] = true;
        }
        return active;
    }

    internal static bool IsIn(DataViewSchema schema, DataViewSchema.Column column) =>
        column.Index < schema.Count && schema[column.Index].Name == column.Name;

    internal static void CheckActive(DataViewRow row, DataViewSchema.Column column) =>
        Check.Param(row.IsColumnActive(column), nameof(column), "requested column is not active");

    internal static ValueGetter<TValue> Cast<TValue>(Delegate getter) =>
        getter as ValueGetter<TValue> ?? throw new InvalidOperationException(
            $"Invalid TValue: '{typeof(TValue)}', expected type: "
            + $"'{getter.GetType().GetGenericArguments()[0]}'.");
}
