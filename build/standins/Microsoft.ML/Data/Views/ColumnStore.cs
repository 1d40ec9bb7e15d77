using System.Runtime.InteropServices;

namespace Microsoft.ML.Data;

/// <summary>Copies of one column's values, by slot; what caches and shuffle pools are made of.</summary>
internal abstract class ColumnStore
{
    internal static ColumnStore Create(DataViewType type) =>
        (ColumnStore)Activator.CreateInstance(typeof(ColumnStore<>).MakeGenericType(type.RawType));

    /// <summary>The writer copies the row's current value into a slot: a used one, or the next free one.</summary>
    internal abstract Action<int> WriterFrom(DataViewRow row, DataViewSchema.Column column);

    /// <summary>A ValueGetter of the current slot's value.</summary>
    internal abstract Delegate GetterOf(Func<int> slot);

    internal static ValueGetter<VBuffer<T>> CopyVector<T>(List<VBuffer<T>> values, Func<int> slot) =>
        (ref VBuffer<T> value) => values[slot()].CopyTo(ref value);
}

internal sealed class ColumnStore<T> : ColumnStore
{
    private readonly List<T> _values = [];

    internal override Action<int> WriterFrom(DataViewRow row, DataViewSchema.Column column) =>
        WriterFrom(row.GetGetter<T>(column));

    /// <summary>Slots own their buffers, and a getter writes only into the buffer it is given.</summary>
    internal Action<int> WriterFrom(ValueGetter<T> getter) => slot =>
    {
        if (slot == _values.Count) _values.Add(default);
        getter(ref CollectionsMarshal.AsSpan(_values)[slot]);
    };

    internal override Delegate GetterOf(Func<int> slot)
    {
        if (typeof(T).IsGenericType && typeof(T).GetGenericTypeDefinition() == typeof(VBuffer<>))
            return (Delegate)Generic.Call(typeof(ColumnStore), nameof(CopyVector), typeof(T).GetGenericArguments(),
                _values, slot);
        ValueGetter<T> getter = (ref T value) => value = _values[slot()];
        return getter;
    }
}
