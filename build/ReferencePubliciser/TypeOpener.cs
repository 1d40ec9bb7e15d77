using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace ML.Pruning.Build;

/// <summary>Makes internal types of an assembly image, and their internal members, public in place.</summary>
/// <remarks>
/// Only accessibility bits change: the Flags columns of the TypeDef, Field and MethodDef tables (ECMA-335 II.22.37,
/// II.22.15 and II.22.26). Private and protected members stay as they are, so that overriding is not disturbed.
/// </remarks>
internal sealed class TypeOpener
{
    private const int FieldFlagsOffset = 0;
    private const int MethodFlagsOffset = sizeof(uint) + sizeof(ushort); // RVA and ImplFlags come first
    private const int TypeFlagsOffset = 0;

    private readonly byte[] _image;
    private readonly MetadataReader _metadata;
    private readonly int _metadataStart;
    private readonly Dictionary<string, TypeDefinitionHandle> _types;

    /// <summary>Reads the metadata of <paramref name="image"/>, which later calls change in place.</summary>
    public TypeOpener(byte[] image)
    {
        _image = image;
        // The reader keeps a copy of its own: it must not see the changes.
        var portableExecutable = new PEReader(image.ToImmutableArray());
        _metadata = portableExecutable.GetMetadataReader();
        _metadataStart = portableExecutable.PEHeaders.MetadataStartOffset;
        _types = _metadata.TypeDefinitions.ToDictionary(FullName);
    }

    /// <summary>Opens a type by its metadata name; nested types are written <c>Namespace.Outer/Nested</c>.</summary>
    /// <returns>False if there is no such type.</returns>
    public bool TryOpen(string name)
    {
        if (!_types.TryGetValue(name, out TypeDefinitionHandle handle))
        {
            return false;
        }

        TypeDefinition type = _metadata.GetTypeDefinition(handle);
        OpenType(handle, type.Attributes);
        foreach (FieldDefinitionHandle field in type.GetFields())
        {
            OpenMember(TableIndex.Field, field, FieldFlagsOffset, (int)_metadata.GetFieldDefinition(field).Attributes);
        }

        foreach (MethodDefinitionHandle method in type.GetMethods())
        {
            MethodAttributes flags = _metadata.GetMethodDefinition(method).Attributes;
            OpenMember(TableIndex.MethodDef, method, MethodFlagsOffset, (int)flags);
        }

        return true;
    }

    private string FullName(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _metadata.GetTypeDefinition(handle);
        string name = _metadata.GetString(type.Name);
        if (type.IsNested)
        {
            return $"{FullName(type.GetDeclaringType())}/{name}";
        }

        return type.Namespace.IsNil ? name : $"{_metadata.GetString(type.Namespace)}.{name}";
    }

    private void OpenType(TypeDefinitionHandle handle, TypeAttributes flags)
    {
        TypeAttributes visible = (flags & TypeAttributes.VisibilityMask) switch
        {
            TypeAttributes.NotPublic => TypeAttributes.Public,
            TypeAttributes.NestedAssembly or TypeAttributes.NestedFamANDAssem => TypeAttributes.NestedPublic,
            var other => other,
        };
        int offset = RowOffset(TableIndex.TypeDef, handle) + TypeFlagsOffset;
        BinaryPrimitives.WriteUInt32LittleEndian(
            _image.AsSpan(offset), (uint)((flags & ~TypeAttributes.VisibilityMask) | visible));
    }

    // Fields and methods share the values of the access mask (II.23.1.5 and II.23.1.10).
    private void OpenMember(TableIndex table, EntityHandle handle, int flagsOffset, int flags)
    {
        var access = (MethodAttributes)flags & MethodAttributes.MemberAccessMask;
        if (access is MethodAttributes.Assembly or MethodAttributes.FamANDAssem)
        {
            int opened = (flags & ~(int)MethodAttributes.MemberAccessMask) | (int)MethodAttributes.Public;
            int offset = RowOffset(table, handle) + flagsOffset;
            BinaryPrimitives.WriteUInt16LittleEndian(_image.AsSpan(offset), (ushort)opened);
        }
    }

    private int RowOffset(TableIndex table, EntityHandle handle) =>
        _metadataStart
        + _metadata.GetTableMetadataOffset(table)
        + ((MetadataTokens.GetRowNumber(handle) - 1) * _metadata.GetTableRowSize(table));
}
