using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace ML.Pruning.Tests.Architecture;

/// <summary>Reads out of a compiled assembly which type names which: bases, members, attributes and method
/// bodies.</summary>
/// <remarks>Attributes of the assembly itself belong to no type and are left out.</remarks>
internal sealed class TypeUseReader
{
    private static readonly Dictionary<int, OpCode> s_opCodes = typeof(OpCodes).GetFields()
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => (int)(ushort)code.Value);

    private readonly PEReader _image;
    private readonly MetadataReader _metadata;
    private readonly HashSet<TypeUse> _uses = [];
    private readonly NameCollector _collector;
    private (string Name, string Namespace) _user;

    private TypeUseReader(PEReader image)
    {
        _image = image;
        _metadata = image.GetMetadataReader();
        _collector = new NameCollector(this);
    }

    /// <summary>All uses in the assembly file.</summary>
    public static IReadOnlyCollection<TypeUse> Read(string assemblyFile)
    {
        using var image = new PEReader(File.OpenRead(assemblyFile));
        var reader = new TypeUseReader(image);
        foreach (TypeDefinitionHandle handle in reader._metadata.TypeDefinitions)
        {
            reader._user = reader.Outermost(handle);
            reader.ReadType(reader._metadata.GetTypeDefinition(handle));
        }

        return reader._uses;
    }

    private void ReadType(TypeDefinition type)
    {
        Use(type.BaseType);
        ReadAttributes(type.GetCustomAttributes());
        ReadConstraints(type.GetGenericParameters());
        foreach (InterfaceImplementationHandle handle in type.GetInterfaceImplementations())
        {
            Use(_metadata.GetInterfaceImplementation(handle).Interface);
        }

        foreach (FieldDefinitionHandle handle in type.GetFields())
        {
            FieldDefinition field = _metadata.GetFieldDefinition(handle);
            field.DecodeSignature(_collector, null);
            ReadAttributes(field.GetCustomAttributes());
        }

        foreach (PropertyDefinitionHandle handle in type.GetProperties())
        {
            ReadAttributes(_metadata.GetPropertyDefinition(handle).GetCustomAttributes());
        }

        foreach (MethodDefinitionHandle handle in type.GetMethods())
        {
            MethodDefinition method = _metadata.GetMethodDefinition(handle);
            method.DecodeSignature(_collector, null);
            ReadAttributes(method.GetCustomAttributes());
            ReadConstraints(method.GetGenericParameters());
            if (method.RelativeVirtualAddress != 0)
            {
                ReadBody(_image.GetMethodBody(method.RelativeVirtualAddress));
            }
        }
    }

    private void ReadAttributes(CustomAttributeHandleCollection attributes)
    {
        foreach (CustomAttributeHandle handle in attributes)
        {
            Use(_metadata.GetCustomAttribute(handle).Constructor);
        }
    }

    private void ReadConstraints(GenericParameterHandleCollection parameters)
    {
        foreach (GenericParameterHandle parameter in parameters)
        {
            foreach (GenericParameterConstraintHandle handle
                in _metadata.GetGenericParameter(parameter).GetConstraints())
            {
                Use(_metadata.GetGenericParameterConstraint(handle).Type);
            }
        }
    }

    private void ReadBody(MethodBodyBlock body)
    {
        if (!body.LocalSignature.IsNil)
        {
            _metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(_collector, null);
        }

        foreach (ExceptionRegion region in body.ExceptionRegions)
        {
            Use(region.CatchType);
        }

        BlobReader code = body.GetILReader();
        while (code.RemainingBytes > 0)
        {
            int value = code.ReadByte();
            OpCode opCode = s_opCodes[value == 0xFE ? (value << 8) | code.ReadByte() : value];
            ReadOperand(opCode.OperandType, ref code);
        }
    }

    private void ReadOperand(OperandType operand, ref BlobReader code)
    {
        switch (operand)
        {
            case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                Use(MetadataTokens.EntityHandle(code.ReadInt32()));
                break;
            case OperandType.InlineSwitch:
                int targets = code.ReadInt32();
                code.Offset += sizeof(int) * targets;
                break;
            case OperandType.InlineNone:
                break;
            case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                code.Offset += sizeof(byte);
                break;
            case OperandType.InlineVar:
                code.Offset += sizeof(ushort);
                break;
            case OperandType.InlineI8 or OperandType.InlineR:
                code.Offset += sizeof(long);
                break;
            default:
                code.Offset += sizeof(int);
                break;
        }
    }

    private void Use(EntityHandle handle)
    {
        if (handle.IsNil)
        {
            return;
        }

        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition:
                Add(Outermost((TypeDefinitionHandle)handle), null);
                break;
            case HandleKind.TypeReference:
                AddReference((TypeReferenceHandle)handle);
                break;
            case HandleKind.TypeSpecification:
                _metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(_collector, null);
                break;
            case HandleKind.MethodDefinition:
                Use(_metadata.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.FieldDefinition:
                Use(_metadata.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.MethodSpecification:
                MethodSpecification specification = _metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                specification.DecodeSignature(_collector, null);
                Use(specification.Method);
                break;
            case HandleKind.MemberReference:
                UseMember(_metadata.GetMemberReference((MemberReferenceHandle)handle));
                break;
            default:
                throw new BadImageFormatException($"{_user.Name}: no type can be found behind a {handle.Kind}.");
        }
    }

    private void UseMember(MemberReference member)
    {
        Use(member.Parent);
        if (member.GetKind() == MemberReferenceKind.Method)
        {
            member.DecodeMethodSignature(_collector, null);
        }
        else
        {
            member.DecodeFieldSignature(_collector, null);
        }
    }

    private void AddReference(TypeReferenceHandle handle)
    {
        TypeReference reference = _metadata.GetTypeReference(handle);
        while (reference.ResolutionScope.Kind == HandleKind.TypeReference)
        {
            reference = _metadata.GetTypeReference((TypeReferenceHandle)reference.ResolutionScope);
        }

        var assembly = (AssemblyReferenceHandle)reference.ResolutionScope;
        Add(Name(reference.Namespace, reference.Name),
            _metadata.GetString(_metadata.GetAssemblyReference(assembly).Name));
    }

    private void Add((string Name, string Namespace) used, string? assembly)
    {
        if (used != _user || assembly is not null)
        {
            _uses.Add(new TypeUse(_user.Name, _user.Namespace, used.Name, used.Namespace, assembly));
        }
    }

    private (string Name, string Namespace) Outermost(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _metadata.GetTypeDefinition(handle);
        return type.IsNested ? Outermost(type.GetDeclaringType()) : Name(type.Namespace, type.Name);
    }

    private (string Name, string Namespace) Name(StringHandle space, StringHandle name)
    {
        string text = _metadata.GetString(space);
        return ($"{text}.{_metadata.GetString(name)}", text);
    }

    /// <summary>Walks signatures and reports each type in them; the results of the walk itself are not
    /// needed.</summary>
    private sealed class NameCollector(TypeUseReader owner) : ISignatureTypeProvider<object?, object?>
    {
        public object? GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            owner.Use(handle);
            return null;
        }

        public object? GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind)
        {
            owner.Use(handle);
            return null;
        }

        public object? GetTypeFromSpecification(
            MetadataReader reader, object? context, TypeSpecificationHandle handle, byte rawTypeKind)
        {
            owner.Use(handle);
            return null;
        }

        public object? GetArrayType(object? elementType, ArrayShape shape) => null;

        public object? GetByReferenceType(object? elementType) => null;

        public object? GetFunctionPointerType(MethodSignature<object?> signature) => null;

        public object? GetGenericInstantiation(object? genericType, ImmutableArray<object?> arguments) => null;

        public object? GetGenericMethodParameter(object? context, int index) => null;

        public object? GetGenericTypeParameter(object? context, int index) => null;

        public object? GetModifiedType(object? modifier, object? unmodifiedType, bool isRequired) => null;

        public object? GetPinnedType(object? elementType) => null;

        public object? GetPointerType(object? elementType) => null;

        public object? GetPrimitiveType(PrimitiveTypeCode typeCode) => null;

        public object? GetSZArrayType(object? elementType) => null;
    }
}
