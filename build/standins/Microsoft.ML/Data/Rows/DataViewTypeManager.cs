namespace Microsoft.ML.Data;

/// <summary>Ties a custom data view type to the .NET type (and attribute) that stands for it in row classes.</summary>
public static class DataViewTypeManager
{
    private static readonly Lock s_lock = new();
    private static readonly Dictionary<RawType, DataViewType> s_typeOf = [];
    private static readonly Dictionary<DataViewType, RawType> s_rawTypeOf = [];

    public static void Register(DataViewType dataViewType, Type type, DataViewTypeAttribute typeAttribute = null)
    {
        ArgumentNullException.ThrowIfNull(dataViewType);
        ArgumentNullException.ThrowIfNull(type);
        var rawType = new RawType(type, typeAttribute);
        lock (s_lock)
        {
            if (PrimitiveTypes.FromRawTypeOrNull(type) != null || type == typeof(string))
                throw new ArgumentOutOfRangeException(nameof(type),
                    $"Type {type} has been registered as ML.NET's default supported type, "
                    + "so it can't not be registered again.");
            bool knowsType = s_typeOf.TryGetValue(rawType, out DataViewType knownType);
            bool knowsRaw = s_rawTypeOf.TryGetValue(dataViewType, out RawType knownRaw);
            if (knowsType && knowsRaw && knownType.Equals(dataViewType) && knownRaw.Equals(rawType)) return;
            if (knowsType)
                throw new ArgumentOutOfRangeException(nameof(type),
                    $"Repeated type register. The raw type {type} has been associated with {knownType}.");
            if (knowsRaw)
                throw new ArgumentOutOfRangeException(nameof(dataViewType),
                    $"Repeated type register. The type {dataViewType} has been associated with {knownRaw.Type}.");
            s_typeOf.Add(rawType, dataViewType);
            s_rawTypeOf.Add(dataViewType, rawType);
        }
    }

    /// <summary>Null when nothing was registered for the pair.</summary>
    internal static DataViewType FromRawTypeOrNull(Type type, DataViewTypeAttribute attribute)
    {
        lock (s_lock) return s_typeOf.GetValueOrDefault(new RawType(type, attribute));
    }

    private readonly record struct RawType(Type Type, DataViewTypeAttribute Attribute)
    {
        public bool Equals(RawType other) =>
            Type == other.Type && (Attribute == null ? other.Attribute == null : Attribute.Equals(other.Attribute));

        public override int GetHashCode() => Type.GetHashCode();
    }
}
