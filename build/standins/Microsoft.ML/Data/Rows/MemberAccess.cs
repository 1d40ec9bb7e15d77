using System.Globalization;
using System.Linq.Expressions;
using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Compiled reads and writes of row class members.</summary>
internal static class MemberAccess
{
    /// <summary>A ValueGetter of the column's raw type that reads the member of the current row.</summary>
    internal static Delegate GetterFor<TRow>(RowMember member, Func<TRow> current)
    {
        Type type = member.MemberType;
        if (type == typeof(string))
        {
            Func<TRow, string> read = Reader<TRow, string>(member);
            ValueGetter<ReadOnlyMemory<char>> getter = (ref ReadOnlyMemory<char> value) =>
                value = read(current()).AsMemory();
            return getter;
        }
        if (type == typeof(string[]))
        {
            Func<TRow, string[]> read = Reader<TRow, string[]>(member);
            ValueGetter<VBuffer<ReadOnlyMemory<char>>> getter = (ref VBuffer<ReadOnlyMemory<char>> value) =>
                FillDense(read(current()) is { } texts
                    ? Array.ConvertAll(texts, text => text.AsMemory()) : null, ref value);
            return getter;
        }
        if (member.ColumnType is KeyDataViewType key)
            return Call<Delegate>(nameof(KeyGetter), [typeof(TRow), type], member, current, key.Count);
        if (member.ColumnType is not VectorDataViewType vector)
            return Call<Delegate>(nameof(DirectGetter), [typeof(TRow), type], member, current);
        string method = type.IsArray ? nameof(ArrayGetter) : nameof(BufferGetter);
        return Call<Delegate>(method, [typeof(TRow), vector.ItemType.RawType], member, current);
    }

    /// <summary>An action that writes the column's current value into the member of a row object.</summary>
    internal static Action<TRow> SetterFor<TRow>(RowMember member, DataViewRow row, DataViewSchema.Column column)
    {
        Type type = member.MemberType;
        if (type == typeof(string))
        {
            ValueGetter<ReadOnlyMemory<char>> getter = row.GetGetter<ReadOnlyMemory<char>>(column);
            Action<TRow, string> write = Writer<TRow, string>(member);
            ReadOnlyMemory<char> text = default;
            return target =>
            {
                getter(ref text);
                write(target, text.ToString());
            };
        }
        if (type == typeof(string[]))
        {
            ValueGetter<VBuffer<ReadOnlyMemory<char>>> getter =
                row.GetGetter<VBuffer<ReadOnlyMemory<char>>>(column);
            Action<TRow, string[]> write = Writer<TRow, string[]>(member);
            VBuffer<ReadOnlyMemory<char>> texts = default;
            return target =>
            {
                getter(ref texts);
                write(target, [.. texts.DenseValues().Select(text => text.ToString())]);
            };
        }
        string method = type.IsArray && column.Type is VectorDataViewType ? nameof(ArraySetter) : nameof(DirectSetter);
        Type valueType = method == nameof(ArraySetter) ? type.GetElementType() : type;
        return Call<Action<TRow>>(method, [typeof(TRow), valueType], member, row, column);
    }

    private static ValueGetter<T> DirectGetter<TRow, T>(RowMember member, Func<TRow> current)
    {
        Func<TRow, T> read = Reader<TRow, T>(member);
        return (ref T value) => value = read(current());
    }

    // Values count from 0, keys from 1; 0 is the missing key, and what is out of range.
    private static ValueGetter<T> KeyGetter<TRow, T>(RowMember member, Func<TRow> current, ulong count)
    {
        Func<TRow, T> read = Reader<TRow, T>(member);
        return (ref T value) =>
        {
            ulong raw = Convert.ToUInt64(read(current()), CultureInfo.InvariantCulture);
            value = (T)Convert.ChangeType(raw < count ? raw + 1 : 0, typeof(T), CultureInfo.InvariantCulture);
        };
    }

    private static ValueGetter<VBuffer<T>> ArrayGetter<TRow, T>(RowMember member, Func<TRow> current)
    {
        Func<TRow, T[]> read = Reader<TRow, T[]>(member);
        return (ref VBuffer<T> value) => FillDense(read(current()), ref value);
    }

    private static ValueGetter<VBuffer<T>> BufferGetter<TRow, T>(RowMember member, Func<TRow> current)
    {
        Func<TRow, VBuffer<T>> read = Reader<TRow, VBuffer<T>>(member);
        return (ref VBuffer<T> value) => read(current()).CopyTo(ref value);
    }

    private static Action<TRow> DirectSetter<TRow, T>(RowMember member, DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        Action<TRow, T> write = Writer<TRow, T>(member);
        return target =>
        {
            // A fresh value each time: row objects may outlive the row, so buffers are not shared between them.
            T value = default;
            getter(ref value);
            write(target, value);
        };
    }

    private static Action<TRow> ArraySetter<TRow, T>(RowMember member, DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<VBuffer<T>> getter = row.GetGetter<VBuffer<T>>(column);
        Action<TRow, T[]> write = Writer<TRow, T[]>(member);
        Func<TRow, T[]> read = CanRead(member) ? Reader<TRow, T[]>(member) : _ => null;
        VBuffer<T> buffer = default;
        return target =>
        {
            getter(ref buffer);
            T[] array = read(target);
            if (array == null || array.Length != buffer.Length) array = new T[buffer.Length];
            buffer.CopyTo(array);
            write(target, array);
        };
    }

    private static void FillDense<T>(T[] source, ref VBuffer<T> value)
    {
        VBufferEditor<T> editor = VBufferEditor.Create(ref value, source?.Length ?? 0);
        source?.CopyTo(editor.Values);
        value = editor.Commit();
    }

    private static bool CanRead(RowMember member) =>
        member.Member is not PropertyInfo property || property.GetGetMethod() != null;

    private static Func<TRow, T> Reader<TRow, T>(RowMember member)
    {
        ParameterExpression row = Expression.Parameter(typeof(TRow));
        return Expression.Lambda<Func<TRow, T>>(Access(row, member), row).Compile();
    }

    private static Action<TRow, T> Writer<TRow, T>(RowMember member)
    {
        ParameterExpression row = Expression.Parameter(typeof(TRow));
        ParameterExpression value = Expression.Parameter(typeof(T));
        return Expression.Lambda<Action<TRow, T>>(Expression.Assign(Access(row, member), value), row, value).Compile();
    }

    private static MemberExpression Access(ParameterExpression row, RowMember member) =>
        Expression.MakeMemberAccess(row, member.Member);

    private static TResult Call<TResult>(string method, Type[] types, params object[] arguments) =>
        (TResult)Generic.Call(typeof(MemberAccess), method, types, arguments);
}
