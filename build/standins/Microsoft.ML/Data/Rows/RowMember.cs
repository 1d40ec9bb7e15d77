using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>A member of a row class and the column it stands for, checked against each other.</summary>
internal sealed record RowMember(string ColumnName, DataViewType ColumnType, MemberInfo Member,
    DataViewSchema.Annotations Annotations)
{
    internal Type MemberType => MemberTypes.TypeOf(Member);

    internal static RowMember[] Bind(Type userType, SchemaDefinition definition) =>
        [.. definition.Select(column => Bind(userType, column))];

    internal static DataViewSchema ToSchema(RowMember[] members)
    {
        var builder = new DataViewSchema.Builder();
        foreach (RowMember member in members)
            builder.AddColumn(member.ColumnName, member.ColumnType, member.Annotations);
        return builder.ToSchema();
    }

    /// <summary>A definition of the row class with the types and annotations of a schema's columns.</summary>
    internal static SchemaDefinition DefinitionOf(Type userType, DataViewSchema schema)
    {
        SchemaDefinition definition = SchemaDefinition.Create(userType);
        foreach (SchemaDefinition.Column column in definition)
        {
            DataViewSchema.Column source = schema.GetColumnOrNull(column.ColumnName)
                ?? throw new InvalidOperationException(
                    $"Type should contain a member named {column.ColumnName}");
            column.ColumnType = source.Type;
            column.CopyAnnotations(source.Annotations);
        }
        return definition;
    }

    private static RowMember Bind(Type userType, SchemaDefinition.Column column)
    {
        MemberInfo member = (MemberInfo)userType.GetField(column.MemberName)
            ?? userType.GetProperty(column.MemberName)
            ?? throw Bad($"No field or property with name '{column.MemberName}' found in type "
                + $"'{userType.FullName}'");
        string name = string.IsNullOrEmpty(column.ColumnName) ? column.MemberName : column.ColumnName;
        DataViewType type = column.ColumnType ?? MemberTypes.ColumnTypeOf(member);
        (bool isVector, Type itemType) = MemberTypes.Describe(member);
        var vector = type as VectorDataViewType;
        if (isVector != (vector != null))
            throw Bad($"Column '{name}' is supposed to be {(vector != null ? "vector" : "scalar")}, but type of "
                + $"associated field '{member.Name}' is {(isVector ? "vector" : "scalar")}");
        Type wanted = vector?.ItemType.RawType ?? type.RawType;
        if (wanted != itemType)
            throw Bad($"Column '{name}' is supposed to have item type {wanted}, but associated field has type "
                + $"{itemType}");
        return new RowMember(name, type, member, column.Annotations);
    }

    private static ArgumentOutOfRangeException Bad(string message) => new("userSchemaDefinition", message);
}
