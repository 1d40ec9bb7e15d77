using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace ML.Pruning.Tests.Architecture;

/// <summary>Writes types and members as C#-like text, with the spelling of the shared API listings.</summary>
/// <remarks>Only what both sides can know is written: no attributes, no nullable annotations, no tuple names.</remarks>
internal static class SignatureText
{
    private const BindingFlags Declared =
        BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static
        | BindingFlags.Instance;

    private static readonly Dictionary<Type, string> s_keywords = new()
    {
        [typeof(void)] = "void", [typeof(object)] = "object", [typeof(string)] = "string", [typeof(bool)] = "bool",
        [typeof(char)] = "char", [typeof(byte)] = "byte", [typeof(sbyte)] = "sbyte", [typeof(short)] = "short",
        [typeof(ushort)] = "ushort", [typeof(int)] = "int", [typeof(uint)] = "uint", [typeof(long)] = "long",
        [typeof(ulong)] = "ulong", [typeof(nint)] = "nint", [typeof(nuint)] = "nuint", [typeof(float)] = "float",
        [typeof(double)] = "double", [typeof(decimal)] = "decimal",
    };

    /// <summary>Describes a visible type and everything of it that code outside its assembly can name.</summary>
    public static ApiType Describe(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            MethodInfo invoke = type.GetMethod("Invoke")!;
            string signature = $"{Name(invoke.ReturnType)} ({Parameters(invoke)})";
            return new ApiType(Name(type), "delegate", [], Constraints(type), [signature]);
        }

        if (type.IsEnum)
        {
            IEnumerable<string> values = type.GetFields(BindingFlags.Public | BindingFlags.Static)
                .Select(field => $"{field.Name} = "
                + $"{Constant(field.GetRawConstantValue(), typeof(object))}");
            return new ApiType(Name(type), "enum", [Name(Enum.GetUnderlyingType(type))], "", [.. values]);
        }

        string kind = type switch
        {
            { IsInterface: true } => "interface",
            { IsValueType: true } => "struct",
            { IsAbstract: true, IsSealed: true } => "static class",
            { IsAbstract: true } => "abstract class",
            { IsSealed: true } => "sealed class",
            _ => "class",
        };
        return new ApiType(Name(type), kind, Bases(type), Constraints(type), [.. Members(type)]);
    }

    /// <summary>True if code outside the assembly can name the type.</summary>
    public static bool IsVisible(Type type) => type.DeclaringType is { } outer
        ? (type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamORAssem) && IsVisible(outer)
        : type.IsPublic;

    private static List<string> Bases(Type type)
    {
        IEnumerable<Type> inherited = type.BaseType?.GetInterfaces() ?? [];
        IEnumerable<Type> bases = type.GetInterfaces().Except(inherited).Where(IsVisibleArgument);
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType))
        {
            bases = bases.Prepend(parent);
        }

        return [.. bases.Select(Name)];
    }

    private static bool IsVisibleArgument(Type type) => type.IsGenericParameter
        || (IsVisible(type.HasElementType ? type.GetElementType()! : type)
            && type.GetGenericArguments().All(IsVisibleArgument));

    private static IEnumerable<string> Members(Type type)
    {
        foreach (ConstructorInfo constructor in type.GetConstructors(Declared))
        {
            if (!constructor.IsStatic && IsVisible(constructor))
            {
                yield return $"{Access(constructor)}{SimpleName(type)}({Parameters(constructor)})";
            }
        }

        foreach (FieldInfo field in type.GetFields(Declared))
        {
            if (field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly)
            {
                yield return Field(field);
            }
        }

        foreach (PropertyInfo property in type.GetProperties(Declared))
        {
            if (property.GetAccessors(nonPublic: true).Any(IsVisible))
            {
                yield return Property(property);
            }
        }

        foreach (EventInfo @event in type.GetEvents(Declared))
        {
            if (IsVisible(@event.AddMethod!))
            {
                yield return $"{Modifiers(@event.AddMethod!)}event {Name(@event.EventHandlerType!)} {@event.Name}";
            }
        }

        foreach (MethodInfo method in type.GetMethods(Declared))
        {
            bool isOperator = method.IsSpecialName && method.Name.StartsWith("op_", StringComparison.Ordinal);
            if (IsVisible(method) && (!method.IsSpecialName || isOperator) && !method.Name.Contains('<'))
            {
                yield return Method(method);
            }
        }
    }

    private static string Field(FieldInfo field)
    {
        string access = field.IsPublic ? "public " : "protected ";
        if (field.IsLiteral)
        {
            return $"{access}const {Name(field.FieldType)} {field.Name} = "
                + $"{Constant(field.GetRawConstantValue(), typeof(object))}";
        }

        return $"{access}{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}"
            + $"{Name(field.FieldType)} {field.Name}";
    }

    private static string Property(PropertyInfo property)
    {
        MethodInfo[] visible = [.. property.GetAccessors(nonPublic: true).Where(IsVisible)];
        MethodInfo widest = visible.OrderByDescending(accessor => accessor.IsPublic).First();
        string accessors = string.Concat(visible.Select(accessor =>
            (Access(accessor) == Access(widest) ? "" : Access(accessor))
                + (accessor == property.GetMethod ? "get; " : "set; ")));
        ParameterInfo[] indices = property.GetIndexParameters();
        string name = indices.Length == 0 ? property.Name : $"this[{Parameters(indices)}]";
        return $"{Modifiers(widest)}{Name(property.PropertyType)} {name} {{ {accessors}}}";
    }

    private static string Method(MethodInfo method)
    {
        string arguments = method.IsGenericMethod
            ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>"
            : "";
        string result = method.Name switch
        {
            "op_Implicit" => $"implicit operator {Name(method.ReturnType)}",
            "op_Explicit" => $"explicit operator {Name(method.ReturnType)}",
            _ => $"{Name(method.ReturnType)} {method.Name}{arguments}",
        };
        string constraints = string.Concat(method.GetGenericArguments().Select(Constraint));
        return $"{Modifiers(method)}{result}({Parameters(method)}){constraints}";
    }

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Access(MethodBase method) =>
        method.DeclaringType!.IsInterface ? "" : method.IsPublic ? "public " : "protected ";

    private static string Modifiers(MethodInfo method)
    {
        if (method.DeclaringType!.IsInterface)
        {
            return "";
        }

        bool overrides = method.GetBaseDefinition().DeclaringType != method.DeclaringType;
        string modifier = method switch
        {
            { IsStatic: true } => "static ",
            { IsVirtual: false } => "",
            { IsAbstract: true } => overrides ? "abstract override " : "abstract ",
            { IsFinal: true } => overrides ? "sealed override " : "",
            _ => overrides ? "override " : "virtual ",
        };
        return Access(method) + modifier;
    }

    private static string Parameters(MethodBase method)
    {
        string list = Parameters(method.GetParameters());
        return method.IsDefined(typeof(ExtensionAttribute)) ? "this " + list : list;
    }

    private static string Parameters(ParameterInfo[] parameters) => string.Join(", ", parameters.Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        string modifier = parameter switch
        {
            { ParameterType.IsByRef: true, IsOut: true } => "out ",
            { ParameterType.IsByRef: true, IsIn: true } => "in ",
            { ParameterType.IsByRef: true } => "ref ",
            _ when parameter.IsDefined(typeof(ParamArrayAttribute)) => "params ",
            _ => "",
        };
        Type type = parameter.ParameterType.IsByRef
            ? parameter.ParameterType.GetElementType()!
            : parameter.ParameterType;
        string value = parameter.HasDefaultValue ? $" = {Constant(parameter.RawDefaultValue, type)}" : "";
        return $"{modifier}{Name(type)} {parameter.Name}{value}";
    }

    private static string Constant(object? value, Type type)
    {
        Type plain = Nullable.GetUnderlyingType(type) ?? type;
        if (value is not null && plain.IsEnum)
        {
            return $"{Name(plain)}.{Enum.ToObject(plain, value)}";
        }

        return value switch
        {
            null => "null",
            string text => $"\"{text}\"",
            bool flag => flag ? "true" : "false",
            char character when char.IsControl(character) => $"'\\u{(int)character:X4}'",
            char character => $"'{character}'",
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString()!,
        };
    }

    private static string Constraints(Type type) => string.Concat(type.GetGenericArguments().Select(Constraint));

    private static string Constraint(Type parameter)
    {
        GenericParameterAttributes flags = parameter.GenericParameterAttributes;
        bool isStruct = flags.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
        List<string> parts = [];
        if (isStruct)
        {
            parts.Add("struct");
        }
        else if (flags.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
        {
            parts.Add("class");
        }

        parts.AddRange(parameter.GetGenericParameterConstraints().Where(type => type != typeof(ValueType))
            .Select(Name));
        if (!isStruct && flags.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint))
        {
            parts.Add("new()");
        }

        return parts.Count == 0 ? "" : $" where {parameter.Name} : {string.Join(", ", parts)}";
    }

    private static string Name(Type type)
    {
        if (s_keywords.TryGetValue(type, out string? keyword))
        {
            return keyword;
        }

        if (type.IsGenericParameter)
        {
            return type.Name;
        }

        if (type.IsArray)
        {
            return $"{Name(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        }

        if (type.IsPointer || type.IsByRef)
        {
            return Name(type.GetElementType()!) + (type.IsPointer ? "*" : "&");
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return Name(underlying) + "?";
        }

        Type[] arguments = type.GetGenericArguments();
        return typeof(ITuple).IsAssignableFrom(type) && type.IsValueType && type.Namespace == "System"
            && arguments.Length > 1
            ? $"({string.Join(", ", TupleItems(type).Select(Name))})"
            : QualifiedName(type, arguments);
    }

    // A tuple of more than seven items keeps the others in an eighth, itself a tuple.
    private static IEnumerable<Type> TupleItems(Type tuple)
    {
        Type[] items = tuple.GetGenericArguments();
        return items.Length < 8 ? items : items[..7].Concat(TupleItems(items[7]));
    }

    // A nested type repeats its outer type's parameters; each level shows only those it adds.
    private static string QualifiedName(Type type, Type[] arguments)
    {
        int outerCount = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        string prefix = type.DeclaringType is { } outer
            ? QualifiedName(outer, arguments[..outerCount]) + "."
            : type.Namespace is { } space && !IsSystem(space) ? space + "." : "";
        string own = arguments.Length > outerCount
            ? $"<{string.Join(", ", arguments[outerCount..].Select(Name))}>"
            : "";
        return prefix + SimpleName(type) + own;
    }

    private static bool IsSystem(string space) =>
        space == "System" || space.StartsWith("System.", StringComparison.Ordinal);

    private static string SimpleName(Type type) => type.Name.Split('`')[0];
}
