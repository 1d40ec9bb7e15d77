using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A column of a text file: which fields of a line it takes, and as what.</summary>
internal sealed class TextColumn
{
    // Ends are exclusive; null runs to the end of each line.
    private readonly (int Start, int? End)[] _segments;
    private readonly PrimitiveDataViewType _itemType;

    /// <param name="inputSize">Fields a line has; needed only for ranges that end automatically.</param>
    internal TextColumn(IExceptionContext env, TextLoader.Column column, int inputSize)
    {
        env.CheckParam(!string.IsNullOrWhiteSpace(column.Name), nameof(column.Name), "Must name the column");
        env.CheckParam(column.Source is { Length: > 0 }, nameof(column.Source),
            "Must specify some source column indices");
        Name = column.Name.Trim();
        _itemType = ItemTypeOf(column);
        _segments = Array.ConvertAll(column.Source, range => SegmentOf(env, range, inputSize));
        CheckDisjoint(env);

        bool isVariable = _segments.Any(segment => segment.End == null);
        int size = _segments.Sum(segment => segment.End - segment.Start ?? 0);
        bool isVector = isVariable || size > 1 || column.Source[0].ForceVector || column.Source[0].AutoEnd;
        Type = isVector ? new VectorDataViewType(_itemType, isVariable ? 0 : size) : _itemType;
    }

    internal string Name { get; }

    internal DataViewType Type { get; }

    internal Delegate CreateGetter(FieldParsers parsers, Func<(long Line, List<ReadOnlyMemory<char>> Fields)> row)
    {
        if (_itemType is TextDataViewType)
            return Getter<ReadOnlyMemory<char>>((field, _) => field, row);
        return (Delegate)Generic.Call(typeof(TextColumn), nameof(ParsedGetter), [_itemType.RawType], this, parsers,
            row);
    }

    private static PrimitiveDataViewType ItemTypeOf(TextLoader.Column column)
    {
        PrimitiveDataViewType type = PrimitiveTypes.FromKind(column.DataKind);
        if (column.KeyCount == null) return type;
        return column.KeyCount.Count is { } count
            ? new KeyDataViewType(type.RawType, count)
            : new KeyDataViewType(type.RawType, MemberTypes.MaximumOf(type.RawType));
    }

    private static (int, int?) SegmentOf(IExceptionContext env, TextLoader.Range range, int inputSize)
    {
        env.CheckParam(range.Min >= 0 && !(range.Max < range.Min), nameof(range.Min), "Bad range of source columns");
        if (range.Max != null) return (range.Min, range.Max + 1);
        if (range.VariableEnd) return (range.Min, null);
        if (!range.AutoEnd) return (range.Min, range.Min + 1);
        env.CheckParam(range.Min < inputSize, nameof(range.Min),
            $"Column #{range.Min} not found in the dataset (it only has {inputSize} columns)");
        return (range.Min, inputSize);
    }

    private void CheckDisjoint(IExceptionContext env)
    {
        (int Start, int? End)[] sorted = [.. _segments.OrderBy(segment => segment.Start)];
        for (int i = 1; i < sorted.Length; i++)
            env.CheckParam(sorted[i - 1].End <= sorted[i].Start, nameof(TextLoader.Column.Source),
                $"Intervals specified for column '{Name}' overlap");
    }

    private static Delegate ParsedGetter<T>(TextColumn column, FieldParsers parsers,
        Func<(long Line, List<ReadOnlyMemory<char>> Fields)> row)
    {
        FieldParser<T> parse = parsers.For<T>(column._itemType);
        return column.Getter((field, line) => parse(field.Span, out T value) ? value : throw new FormatException(
            $"Parsing failed with an exception: Could not parse value {field} in line {line}, column {column.Name}"),
            row);
    }

    /// <summary>Fields that a short line lacks are empty.</summary>
    private Delegate Getter<T>(Func<ReadOnlyMemory<char>, long, T> convert,
        Func<(long Line, List<ReadOnlyMemory<char>> Fields)> row)
    {
        static ReadOnlyMemory<char> At(List<ReadOnlyMemory<char>> fields, int index) =>
            index < fields.Count ? fields[index] : default;

        if (Type is not VectorDataViewType)
        {
            int index = _segments[0].Start;
            ValueGetter<T> scalar = (ref T value) =>
            {
                (long line, List<ReadOnlyMemory<char>> fields) = row();
                value = convert(At(fields, index), line);
            };
            return scalar;
        }
        ValueGetter<VBuffer<T>> vector = (ref VBuffer<T> value) =>
        {
            (long line, List<ReadOnlyMemory<char>> fields) = row();
            int LengthOf((int Start, int? End) segment) =>
                Math.Max(0, (segment.End ?? fields.Count) - segment.Start);
            VBufferEditor<T> editor = VBufferEditor.Create(ref value, _segments.Sum(LengthOf));
            int slot = 0;
            foreach ((int Start, int? End) segment in _segments)
                for (int i = 0; i < LengthOf(segment); i++)
                    editor.Values[slot++] = convert(At(fields, segment.Start + i), line);
            value = editor.Commit();
        };
        return vector;
    }
}
