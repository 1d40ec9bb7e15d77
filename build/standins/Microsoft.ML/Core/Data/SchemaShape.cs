using System.Collections;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>What an estimator can promise of a schema before it sees data: no vector sizes, no key counts.</summary>
public sealed class SchemaShape : IReadOnlyList<SchemaShape.Column>
{
    private static readonly SchemaShape s_empty = new([]);

    private readonly Column[] _columns;

    public SchemaShape(IEnumerable<Column> columns)
    {
        Contracts.CheckValue(columns, nameof(columns));
        _columns = [.. columns];
        Contracts.CheckParam(Array.TrueForAll(_columns, c => c.IsValid), nameof(columns),
            "Some items are not initialized properly.");
    }

    public int Count => _columns.Length;

    public Column this[int index] => _columns[index];

    public IEnumerator<Column> GetEnumerator() => ((IEnumerable<Column>)_columns).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal static SchemaShape Create(DataViewSchema schema)
    {
        Contracts.CheckValue(schema, nameof(schema));
        return new SchemaShape(schema.Where(c => !c.IsHidden).Select(column =>
        {
            IEnumerable<Column> annotations = column.Annotations.Schema.Select(a => Shape(a.Name, a.Type, null));
            return Shape(column.Name, column.Type, new SchemaShape(annotations));
        }));
    }

    internal bool TryFindColumn(string name, out Column column)
    {
        Contracts.CheckValue(name, nameof(name));
        column = Array.Find(_columns, c => c.Name == name);
        return column.IsValid;
    }

    private static Column Shape(string name, DataViewType type, SchemaShape annotations)
    {
        var kind = Column.VectorKind.Scalar;
        if (type is VectorDataViewType vector)
        {
            kind = vector.IsKnownSize ? Column.VectorKind.Vector : Column.VectorKind.VariableVector;
            type = vector.ItemType;
        }
        return type is KeyDataViewType
            ? new Column(name, kind, NumberOf(type.RawType), true, annotations)
            : new Column(name, kind, type, false, annotations);
    }

    private static NumberDataViewType NumberOf(Type keyType) =>
        keyType == typeof(byte) ? NumberDataViewType.Byte
        : keyType == typeof(ushort) ? NumberDataViewType.UInt16
        : keyType == typeof(uint) ? NumberDataViewType.UInt32 : NumberDataViewType.UInt64;

    public struct Column
    {
        public enum VectorKind
        {
            Scalar,
            Vector,
            VariableVector,
        }

        public readonly string Name;
        public readonly VectorKind Kind;
        public readonly DataViewType ItemType;
        public readonly bool IsKey;
        public readonly SchemaShape Annotations;

        internal Column(string name, VectorKind vecKind, DataViewType itemType, bool isKey,
            SchemaShape annotations = null)
        {
            Contracts.CheckNonEmpty(name, nameof(name));
            Contracts.CheckParam(itemType is not KeyDataViewType, nameof(itemType), "Item type cannot be a key");
            Contracts.CheckParam(itemType is not VectorDataViewType, nameof(itemType), "Item type cannot be a vector");
            Contracts.CheckParam(!isKey || KeyDataViewType.IsValidDataType(itemType.RawType), nameof(itemType),
                "The item type must be valid for a key");
            Contracts.CheckParam(vecKind == VectorKind.Scalar || itemType is PrimitiveDataViewType, nameof(itemType),
                "If vecKind is not Scalar, then the item type must be a PrimitiveDataViewType");
            Name = name;
            Kind = vecKind;
            ItemType = itemType;
            IsKey = isKey;
            Annotations = annotations ?? s_empty;
        }

        internal readonly bool IsValid => Name != null;

        /// <summary>Whether the source meets this requirement: same shape, and at least these annotations.</summary>
        internal bool IsCompatibleWith(Column source)
        {
            Contracts.Check(source.IsValid, nameof(source));
            return Name == source.Name && Kind == source.Kind && ItemType.Equals(source.ItemType)
                && IsKey == source.IsKey
                && Annotations.All(a =>
                    source.Annotations.TryFindColumn(a.Name, out Column other) && a.IsCompatibleWith(other));
        }

        internal string GetTypeString()
        {
            string item = IsKey ? $"Key<{ItemType}>" : ItemType.ToString();
            return Kind switch
            {
                VectorKind.Vector => $"Vector<{item}>",
                VectorKind.VariableVector => $"VarVector<{item}>",
                _ => item,
            };
        }
    }
}
