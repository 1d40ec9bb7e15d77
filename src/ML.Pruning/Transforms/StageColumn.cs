using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Transforms;

/// <summary>A column that a stage reads or writes.</summary>
/// <param name="Name">Name of the column.</param>
/// <param name="Type">Its type; a vector's size does not matter.</param>
internal readonly record struct StageColumn(string Name, DataViewType Type)
{
    /// <summary>A column that carries a model.</summary>
    public static StageColumn Model(string name) => new(name, LanguageModelDataViewType.Instance);

    /// <summary>A column of text.</summary>
    public static StageColumn Text(string name) => new(name, TextDataViewType.Instance);

    /// <summary>A column of vectors of numbers.</summary>
    public static StageColumn Vector(string name, int size) =>
        new(name, new VectorDataViewType(NumberDataViewType.Single, size));

    /// <summary>Finds the column in a schema.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is missing or of another type.</exception>
    public DataViewSchema.Column Find(DataViewSchema schema)
    {
        DataViewSchema.Column column = schema.GetColumnOrNull(Name) ?? throw Missing(nameof(schema));
        return Matches(column.Type) ? column : throw Mismatch(nameof(schema), column.Type.ToString()!);
    }

    /// <summary>Checks that the column is in a schema shape.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is missing or of another type.</exception>
    public void Check(SchemaShape inputSchema)
    {
        foreach (SchemaShape.Column column in inputSchema)
        {
            if (column.Name != Name) continue;
            bool isScalar = column.Kind == SchemaShape.Column.VectorKind.Scalar;
            bool matches = Type is VectorDataViewType vector
                ? !isScalar && column.ItemType.Equals(vector.ItemType)
                : isScalar && column.ItemType.Equals(Type);
            if (matches) return;
            string got = isScalar
                ? column.ItemType.ToString()!
                : $"Vector<{column.ItemType}>";
            throw Mismatch(nameof(inputSchema), got);
        }

        throw Missing(nameof(inputSchema));
    }

    /// <summary>A schema shape with columns added; a new column replaces an old one of the same name.</summary>
    public static SchemaShape Add(SchemaShape inputSchema, IReadOnlyList<StageColumn> added)
    {
        var columns = inputSchema.ToDictionary(c => c.Name, StringComparer.Ordinal);
        foreach (StageColumn column in added) columns[column.Name] = MLNetInternals.NewColumn(column.Name, column.Type);
        return new SchemaShape(columns.Values);
    }

    private bool Matches(DataViewType type) => Type is VectorDataViewType vector
        ? type is VectorDataViewType found && found.ItemType.Equals(vector.ItemType)
        : type.Equals(Type);

    private ArgumentOutOfRangeException Missing(string parameter) => new(parameter,
        $"Could not find input column '{Name}'." + (Type is LanguageModelDataViewType
            ? " A model comes from a stage such as LoadLlm. If there is one, caching or shuffling after it has dropped "
                + "the column: put AppendCacheCheckpoint and ShuffleRows before LoadLlm."
            : ""));

    private ArgumentOutOfRangeException Mismatch(string parameter, string got) => new(parameter,
        $"Schema mismatch for input column '{Name}': expected {Type}, got {got}.");
}
