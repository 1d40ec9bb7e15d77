namespace Microsoft.ML.Data;

/// <summary>The data view types that ML.NET itself knows, by the .NET type of their values.</summary>
internal static class PrimitiveTypes
{
    private static readonly Dictionary<Type, PrimitiveDataViewType> s_byRawType = new PrimitiveDataViewType[]
    {
        NumberDataViewType.SByte, NumberDataViewType.Byte, NumberDataViewType.Int16, NumberDataViewType.UInt16,
        NumberDataViewType.Int32, NumberDataViewType.UInt32, NumberDataViewType.Int64, NumberDataViewType.UInt64,
        NumberDataViewType.Single, NumberDataViewType.Double, BooleanDataViewType.Instance,
        TextDataViewType.Instance, TimeSpanDataViewType.Instance, DateTimeDataViewType.Instance,
        DateTimeOffsetDataViewType.Instance, RowIdDataViewType.Instance,
    }.ToDictionary(type => type.RawType);

    /// <summary>Null when the type is none of ML.NET's own.</summary>
    internal static PrimitiveDataViewType FromRawTypeOrNull(Type rawType) => s_byRawType.GetValueOrDefault(rawType);

    internal static PrimitiveDataViewType FromKind(DataKind kind) => kind switch
    {
        DataKind.SByte => NumberDataViewType.SByte,
        DataKind.Byte => NumberDataViewType.Byte,
        DataKind.Int16 => NumberDataViewType.Int16,
        DataKind.UInt16 => NumberDataViewType.UInt16,
        DataKind.Int32 => NumberDataViewType.Int32,
        DataKind.UInt32 => NumberDataViewType.UInt32,
        DataKind.Int64 => NumberDataViewType.Int64,
        DataKind.UInt64 => NumberDataViewType.UInt64,
        DataKind.Single => NumberDataViewType.Single,
        DataKind.Double => NumberDataViewType.Double,
        DataKind.String => TextDataViewType.Instance,
        DataKind.Boolean => BooleanDataViewType.Instance,
        DataKind.TimeSpan => TimeSpanDataViewType.Instance,
        DataKind.DateTime => DateTimeDataViewType.Instance,
        DataKind.DateTimeOffset => DateTimeOffsetDataViewType.Instance,
        _ => throw new ArgumentException($"Bad item type {kind}", nameof(kind)),
    };

    /// <summary>The kind whose type has these raw values; null for types that text files cannot hold.</summary>
    internal static DataKind? KindOf(Type rawType) =>
        Enum.GetValues<DataKind>().Cast<DataKind?>().FirstOrDefault(k => FromKind(k.Value).RawType == rawType);

    /// <summary>Caches and shuffle pools can copy values of these types and of no others.</summary>
    internal static bool IsCopyable(DataViewType type) => type is PrimitiveDataViewType or VectorDataViewType;
}
