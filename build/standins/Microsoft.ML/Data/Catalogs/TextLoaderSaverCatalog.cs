using System.Reflection;
using Microsoft.ML.Data;

namespace Microsoft.ML;

public static class TextLoaderSaverCatalog
{
    public static TextLoader CreateTextLoader(this DataOperationsCatalog catalog, TextLoader.Column[] columns,
        char separatorChar = '\t', bool hasHeader = false, IMultiStreamSource dataSample = null,
        bool allowQuoting = false, bool trimWhitespace = false, bool allowSparse = false) =>
        catalog.CreateTextLoader(
            OptionsOf(columns, separatorChar, hasHeader, allowQuoting, trimWhitespace, allowSparse), dataSample);

    public static TextLoader CreateTextLoader(this DataOperationsCatalog catalog, TextLoader.Options options,
        IMultiStreamSource dataSample = null) =>
        new(catalog.GetEnvironment(), options, dataSample);

    public static TextLoader CreateTextLoader<TInput>(this DataOperationsCatalog catalog, char separatorChar = '\t',
        bool hasHeader = false, IMultiStreamSource dataSample = null, bool allowQuoting = false,
        bool trimWhitespace = false, bool allowSparse = false) =>
        catalog.CreateTextLoader(ColumnsOf(typeof(TInput)), separatorChar, hasHeader, dataSample, allowQuoting,
            trimWhitespace, allowSparse);

    public static TextLoader CreateTextLoader<TInput>(this DataOperationsCatalog catalog, TextLoader.Options options,
        IMultiStreamSource dataSample = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Columns = ColumnsOf(typeof(TInput));
        return catalog.CreateTextLoader(options, dataSample);
    }

    public static IDataView LoadFromTextFile<TInput>(this DataOperationsCatalog catalog, string path,
        char separatorChar = '\t', bool hasHeader = false, bool allowQuoting = false, bool trimWhitespace = false,
        bool allowSparse = false) =>
        catalog.LoadFromTextFile(path, ColumnsOf(typeof(TInput)), separatorChar, hasHeader, allowQuoting,
            trimWhitespace, allowSparse);

    public static IDataView LoadFromTextFile<TInput>(this DataOperationsCatalog catalog, string path,
        TextLoader.Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Columns = ColumnsOf(typeof(TInput));
        return catalog.LoadFromTextFile(path, options);
    }

    public static IDataView LoadFromTextFile(this DataOperationsCatalog catalog, string path,
        TextLoader.Column[] columns, char separatorChar = '\t', bool hasHeader = false, bool allowQuoting = false,
        bool trimWhitespace = false, bool allowSparse = false) =>
        catalog.LoadFromTextFile(path,
            OptionsOf(columns, separatorChar, hasHeader, allowQuoting, trimWhitespace, allowSparse));

    public static IDataView LoadFromTextFile(this DataOperationsCatalog catalog, string path,
        TextLoader.Options options = null)
    {
        Check.NonEmpty(path, nameof(path));
        Check.Param(File.Exists(path), nameof(path), $"File or directory does not exist at path: {path}");
        var source = new MultiFileSource(path);
        return catalog.CreateTextLoader(options ?? new TextLoader.Options(), source).Load(source);
    }

    private static TextLoader.Options OptionsOf(TextLoader.Column[] columns, char separatorChar, bool hasHeader,
        bool allowQuoting, bool trimWhitespace, bool allowSparse) => new()
    {
        Columns = columns,
        Separators = [separatorChar],
        HasHeader = hasHeader,
        AllowQuoting = allowQuoting,
        TrimWhitespace = trimWhitespace,
        AllowSparse = allowSparse,
    };

    /// <summary>All public members; one without a LoadColumn attribute is an error.</summary>
    private static TextLoader.Column[] ColumnsOf(Type userType)
    {
        IEnumerable<MemberInfo> members = userType.GetFields(BindingFlags.Public | BindingFlags.Instance)
            .Concat<MemberInfo>(userType.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(p => p.GetGetMethod() != null && p.GetIndexParameters().Length == 0));
        TextLoader.Column[] columns = [.. members.Select(ColumnOf)];
        Check.Param(columns.Length > 0, "TInput",
            "Should define at least one public, readable field or property in TInput.");
        return columns;
    }

    private static TextLoader.Column ColumnOf(MemberInfo member)
    {
        var source = member.GetCustomAttribute<LoadColumnAttribute>() ?? throw new InvalidOperationException(
            $"{(member is FieldInfo ? "Field" : "Property")} '{member.Name}' is missing the LoadColumnAttribute attribute");
        (_, Type itemType) = Data.MemberTypes.Describe(member);
        DataKind kind = PrimitiveTypes.KindOf(itemType) ?? throw new ArgumentOutOfRangeException("TInput",
            $"Member {member.Name} has a type that text files cannot hold");
        var key = member.GetCustomAttribute<KeyTypeAttribute>();
        return new TextLoader.Column(
            member.GetCustomAttribute<ColumnNameAttribute>()?.Name ?? member.Name,
            kind,
            source.Sources,
            key == null ? null : key.KeyCount ?? new KeyCount());
    }
}
