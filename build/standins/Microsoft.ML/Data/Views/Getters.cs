namespace Microsoft.ML.Data;

/// <summary>Getters of a column whose type is known only at run time.</summary>
internal static class Getters
{
    /// <summary>The row's ValueGetter of the column's raw type.</summary>
    internal static Delegate Of(DataViewRow row, DataViewSchema.Column column) =>
        (Delegate)Generic.Call(typeof(Getters), nameof(Typed), [column.Type.RawType], row, column);

    private static Delegate Typed<T>(DataViewRow row, DataViewSchema.Column column) => row.GetGetter<T>(column);
}
