using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Which column type a field or property of a row class stands for.</summary>
internal static class MemberTypes
{
    internal static Type TypeOf(MemberInfo member) =>
        member is FieldInfo field ? field.FieldType : ((PropertyInfo)member).PropertyType;

    /// <summary>Whether the member holds a vector, and the raw type of its values (text for strings).</summary>
    internal static (bool IsVector, Type ItemType) Describe(MemberInfo member)
    {
        Type type = TypeOf(member);
        bool isVector = true;
        Type itemType = type;
        if (type.IsArray) itemType = type.GetElementType();
        else if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(VBuffer<>))
            itemType = type.GetGenericArguments()[0];
        else isVector = false;

        if (itemType == typeof(string)) return (isVector, typeof(ReadOnlyMemory<char>));
        if (PrimitiveTypes.FromRawTypeOrNull(itemType) != null) return (isVector, itemType);
        DataViewTypeAttribute attribute = CustomType(member);
        if (DataViewTypeManager.FromRawTypeOrNull(type, attribute) != null) return (false, type);
        throw new ArgumentOutOfRangeException("rawType",
            $"Could not determine an IDataView type and registered custom types for member {member.Name}");
    }

    internal static DataViewType ColumnTypeOf(MemberInfo member)
    {
        DataViewTypeAttribute custom = CustomType(member);
        (bool isVector, Type itemType) = Describe(member);
        PrimitiveDataViewType primitive = PrimitiveTypes.FromRawTypeOrNull(itemType);
        if (primitive == null) return DataViewTypeManager.FromRawTypeOrNull(itemType, custom);

        if (member.GetCustomAttribute<KeyTypeAttribute>() is { } key)
        {
            if (!KeyDataViewType.IsValidDataType(itemType))
                throw new ArgumentOutOfRangeException("userType",
                    $"Member {member.Name} marked with KeyType attribute, but does not appear to be a valid kind "
                    + "of data for a key type");
            primitive = key.KeyCount?.Count is { } count
                ? new KeyDataViewType(itemType, count)
                : new KeyDataViewType(itemType, MaximumOf(itemType));
        }

        var vector = member.GetCustomAttribute<VectorTypeAttribute>();
        if (vector != null && !isVector)
            throw new ArgumentOutOfRangeException("userType",
                $"Member {member.Name} marked with VectorType attribute, but does not appear to be a vector type");
        if (!isVector) return primitive;
        return vector?.Dimensions == null
            ? new VectorDataViewType(primitive)
            : new VectorDataViewType(primitive, vector.Dimensions);
    }

    /// <summary>The custom type attribute of a member, registered; null when there is none.</summary>
    private static DataViewTypeAttribute CustomType(MemberInfo member)
    {
        DataViewTypeAttribute[] attributes = [.. member.GetCustomAttributes<DataViewTypeAttribute>()];
        if (attributes.Length > 1)
            throw new ArgumentOutOfRangeException("userType",
                $"Member {member.Name} cannot be marked with multiple attributes, "
                + $"{string.Join(", ", attributes.Select(a => a.GetType().Name))}, derived from "
                + $"{nameof(DataViewTypeAttribute)}.");
        if (attributes.Length == 0) return null;
        attributes[0].Register();
        return attributes[0];
    }

    internal static ulong MaximumOf(Type keyType) =>
        keyType == typeof(byte) ? byte.MaxValue
        : keyType == typeof(ushort) ? ushort.MaxValue
        : keyType == typeof(uint) ? uint.MaxValue
        : ulong.MaxValue;
}
