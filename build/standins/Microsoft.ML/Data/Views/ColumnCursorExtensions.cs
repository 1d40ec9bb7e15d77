using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

public static class ColumnCursorExtensions
{
    public static IEnumerable<T> GetColumn<T>(this IDataView data, string columnName)
    {
        ArgumentNullException.ThrowIfNull(data);
        Check.NonEmpty(columnName, nameof(columnName));
        return data.GetColumn<T>(data.Schema.GetColumnOrNull(columnName)
            ?? throw Contracts.ExceptSchemaMismatch(null, nameof(columnName), "input", columnName));
    }

    public static IEnumerable<T> GetColumn<T>(this IDataView data, DataViewSchema.Column column)
    {
        ArgumentNullException.ThrowIfNull(data);
        DataViewType type = column.Type;
        if (type.RawType == typeof(T))
            return type is VectorDataViewType
                ? Read(data, column, Convert<T>(nameof(CopyOf), type.RawType.GetGenericArguments()))
                : Read<T, T>(data, column, value => value);
        if (typeof(T) == typeof(string) && type is TextDataViewType)
            return (IEnumerable<T>)Read(data, column, (ReadOnlyMemory<char> text) => text.ToString());
        if (type is VectorDataViewType vector)
        {
            if (typeof(T) == typeof(string[]) && vector.ItemType is TextDataViewType)
                return (IEnumerable<T>)Read(data, column, (VBuffer<ReadOnlyMemory<char>> texts) =>
                    texts.DenseValues().Select(text => text.ToString()).ToArray());
            if (typeof(T).IsArray && typeof(T).GetElementType() == vector.ItemType.RawType)
                return (IEnumerable<T>)Generic.Call(typeof(ColumnCursorExtensions), nameof(ReadArrays),
                    [vector.ItemType.RawType], data, column);
        }
        throw new ArgumentOutOfRangeException(nameof(column),
            $"Could not map a data view column '{column.Name}' of type {type} to {typeof(T)}.");
    }

    private static IEnumerable<T[]> ReadArrays<T>(IDataView data, DataViewSchema.Column column) =>
        Read(data, column, (VBuffer<T> vector) => vector.DenseValues().ToArray());

    private static Func<T, T> Convert<T>(string method, Type[] types) =>
        typeof(ColumnCursorExtensions).GetMethod(method, System.Reflection.BindingFlags.NonPublic
            | System.Reflection.BindingFlags.Static).MakeGenericMethod(types).CreateDelegate<Func<T, T>>();

    /// <summary>The cursor reuses its buffer, the caller may keep the value.</summary>
    private static VBuffer<T> CopyOf<T>(VBuffer<T> vector)
    {
        VBuffer<T> copy = default;
        vector.CopyTo(ref copy);
        return copy;
    }

    private static IEnumerable<TResult> Read<TValue, TResult>(IDataView data, DataViewSchema.Column column,
        Func<TValue, TResult> convert)
    {
        using DataViewRowCursor cursor = data.GetRowCursor([column]);
        ValueGetter<TValue> getter = cursor.GetGetter<TValue>(column);
        TValue value = default;
        while (cursor.MoveNext())
        {
            getter(ref value);
            yield return convert(value);
        }
    }
}
