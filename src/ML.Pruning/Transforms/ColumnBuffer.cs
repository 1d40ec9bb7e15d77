using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Transforms;

/// <summary>The values of one input column for a batch of rows.</summary>
internal abstract class ColumnBuffer
{
    /// <summary>Makes the buffer that fits the type of a column.</summary>
    public static ColumnBuffer Create(DataViewRow input, DataViewSchema.Column column, int capacity)
    {
        Type raw = column.Type.RawType;
        bool isVector = raw.IsGenericType && raw.GetGenericTypeDefinition() == typeof(VBuffer<>);
        Type type = isVector
            ? typeof(VectorBuffer<>).MakeGenericType(raw.GetGenericArguments())
            : typeof(ValueBuffer<>).MakeGenericType(raw);
        return (ColumnBuffer)Activator.CreateInstance(type, BindingFlags.Public | BindingFlags.Instance
            | BindingFlags.DoNotWrapExceptions, null, [input, column, capacity], null)!;
    }

    /// <summary>Copies the value of the current row.</summary>
    public abstract void Read(int slot);

    /// <summary>A getter of the value at the current place.</summary>
    public abstract Delegate CreateGetter(Func<int> currentSlot);

    private sealed class ValueBuffer<T>(DataViewRow input, DataViewSchema.Column column, int capacity) : ColumnBuffer
    {
        private readonly ValueGetter<T> _getter = input.GetGetter<T>(column);
        private readonly T[] _values = new T[capacity];

        public override void Read(int slot) => _getter(ref _values[slot]);

        public override Delegate CreateGetter(Func<int> currentSlot) =>
            (ValueGetter<T>)((ref T value) => value = _values[currentSlot()]);
    }

    private sealed class VectorBuffer<T>(DataViewRow input, DataViewSchema.Column column, int capacity) : ColumnBuffer
    {
        private readonly ValueGetter<VBuffer<T>> _getter = input.GetGetter<VBuffer<T>>(column);
        private readonly VBuffer<T>[] _values = new VBuffer<T>[capacity];

        public override void Read(int slot) => _getter(ref _values[slot]);

        public override Delegate CreateGetter(Func<int> currentSlot) =>
            (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => _values[currentSlot()].CopyTo(ref value));
    }
}
