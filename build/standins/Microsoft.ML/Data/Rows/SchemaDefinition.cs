using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

public sealed class SchemaDefinition : List<SchemaDefinition.Column>
{
    private SchemaDefinition()
    {
    }

    [Flags]
    public enum Direction
    {
        Read = 1,
        Write = 2,
        Both = Read | Write,
    }

    public Column this[string columnName]
    {
        get => Find(column => column.ColumnName == columnName);
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.ColumnName != columnName)
                throw new ArgumentOutOfRangeException(nameof(columnName),
                    $"The column name is specified as '{value.ColumnName}' but must match the selector "
                    + $"'{columnName}'.");
            int index = FindIndex(column => column.ColumnName == columnName);
            if (index >= 0) this[index] = value;
            else Add(value);
        }
    }

    public static SchemaDefinition Create(Type userType, Direction direction = Direction.Both)
    {
        ArgumentNullException.ThrowIfNull(userType);
        const BindingFlags Flags = BindingFlags.Public | BindingFlags.Instance;
        IEnumerable<MemberInfo> fields = userType.GetFields(Flags).Where(f => f.FieldType != typeof(IChannel));
        IEnumerable<MemberInfo> properties = userType.GetProperties(Flags).Where(p =>
            p.PropertyType != typeof(IChannel) && p.GetIndexParameters().Length == 0
            && (((direction & Direction.Read) != 0 && p.GetGetMethod() != null)
                || ((direction & Direction.Write) != 0 && p.GetSetMethod() != null)));

        var definition = new SchemaDefinition();
        var names = new HashSet<string>();
        foreach (MemberInfo member in fields.Concat(properties))
        {
            if (member.GetCustomAttribute<NoColumnAttribute>() != null) continue;
            string name = member.GetCustomAttribute<ColumnNameAttribute>()?.Name ?? member.Name;
            if (!names.Add(name))
                throw new ArgumentOutOfRangeException(nameof(userType),
                    $"Duplicate column name '{name}' detected, this is disallowed");
            definition.Add(new Column(member.Name, MemberTypes.ColumnTypeOf(member), name));
        }
        return definition;
    }

    public sealed class Column
    {
        private readonly Dictionary<string, Action<DataViewSchema.Annotations.Builder>> _annotations = [];

        internal Column(string memberName, DataViewType columnType, string columnName)
        {
            MemberName = memberName;
            ColumnType = columnType;
            ColumnName = columnName;
        }

        public string MemberName { get; }

        public string ColumnName { get; set; }

        public DataViewType ColumnType { get; set; }

        public DataViewSchema.Annotations Annotations
        {
            get
            {
                var builder = new DataViewSchema.Annotations.Builder();
                foreach (Action<DataViewSchema.Annotations.Builder> add in _annotations.Values) add(builder);
                return builder.ToAnnotations();
            }
        }

        public void AddAnnotation<T>(string kind, T value, DataViewType annotationType)
        {
            ArgumentNullException.ThrowIfNull(kind);
            ArgumentNullException.ThrowIfNull(annotationType);
            ValueGetter<T> getter = (ref T destination) => destination = value;
            if (!_annotations.TryAdd(kind, builder => builder.Add(kind, annotationType, getter)))
                throw new InvalidOperationException("Column already contains an annotation of this kind.");
        }

        internal void CopyAnnotations(DataViewSchema.Annotations annotations)
        {
            foreach (DataViewSchema.Column source in annotations.Schema)
                _annotations[source.Name] = builder => builder.Add(annotations, kind => kind == source.Name);
        }
    }
}
