using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace ML.Pruning.Checkpoints;

/// <summary>Names, sizes and kinds of the element types.</summary>
public static class TensorTypes
{
    private sealed record Facts(TensorType Type, string Name, int Bits, bool IsFloat, bool IsConvertible);

    // In the order of the enumeration, so that a type is its own index.
    private static readonly Facts[] s_facts =
    [
        new(TensorType.Bool, "BOOL", 8, false, true),
        new(TensorType.U8, "U8", 8, false, true),
        new(TensorType.I8, "I8", 8, false, true),
        new(TensorType.I16, "I16", 16, false, true),
        new(TensorType.U16, "U16", 16, false, true),
        new(TensorType.I32, "I32", 32, false, true),
        new(TensorType.U32, "U32", 32, false, true),
        new(TensorType.I64, "I64", 64, false, true),
        new(TensorType.U64, "U64", 64, false, true),
        new(TensorType.F16, "F16", 16, true, true),
        new(TensorType.BF16, "BF16", 16, true, true),
        new(TensorType.F32, "F32", 32, true, true),
        new(TensorType.F64, "F64", 64, true, true),
        new(TensorType.F8E4M3, "F8_E4M3", 8, true, false),
        new(TensorType.F8E5M2, "F8_E5M2", 8, true, false),
        new(TensorType.F8E8M0, "F8_E8M0", 8, true, false),
        new(TensorType.F8E4M3Fnuz, "F8_E4M3FNUZ", 8, true, false),
        new(TensorType.F8E5M2Fnuz, "F8_E5M2FNUZ", 8, true, false),
        new(TensorType.F6E2M3, "F6_E2M3", 6, true, false),
        new(TensorType.F6E3M2, "F6_E3M2", 6, true, false),
        new(TensorType.F4, "F4", 4, true, false),
        new(TensorType.C64, "C64", 64, false, false),
    ];

    private static readonly FrozenDictionary<string, TensorType> s_byName =
        s_facts.ToFrozenDictionary(f => f.Name, f => f.Type, StringComparer.Ordinal);

    /// <summary>The names of all types, as written in a file.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_facts.Select(f => f.Name)];

    /// <summary>The name as written in a safetensors header, for example <c>BF16</c>.</summary>
    /// <param name="type">The type.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a member of the enumeration.</exception>
    public static string Name(this TensorType type) => Get(type).Name;

    /// <summary>Bits of one element: 4 to 64.</summary>
    /// <param name="type">The type.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a member of the enumeration.</exception>
    public static int BitsPerElement(this TensorType type) => Get(type).Bits;

    /// <summary>Whether elements are floating-point numbers (complex numbers are not counted).</summary>
    /// <param name="type">The type.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a member of the enumeration.</exception>
    public static bool IsFloat(this TensorType type) => Get(type).IsFloat;

    /// <summary>Whether elements can be read as float32: BOOL, the integers, F16, BF16, F32 and F64.</summary>
    /// <param name="type">The type.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a member of the enumeration.</exception>
    public static bool IsConvertible(this TensorType type) => Get(type).IsConvertible;

    /// <summary>Finds the type of a name as written in a safetensors header.</summary>
    /// <param name="name">The name; case matters.</param>
    /// <param name="type">The type, if known.</param>
    /// <returns>Whether the name is known.</returns>
    public static bool TryParse([NotNullWhen(true)] string? name, out TensorType type)
    {
        type = default;
        return name is not null && s_byName.TryGetValue(name, out type);
    }

    /// <summary>Finds the type of a name as written in a safetensors header.</summary>
    /// <param name="name">The name; case matters.</param>
    /// <exception cref="CheckpointFormatException">The name is unknown.</exception>
    public static TensorType Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return TryParse(name, out TensorType type)
            ? type
            : throw new CheckpointFormatException(
                $"Element type {Show.Quote(name)} is unknown; known are {string.Join(", ", Names)}.");
    }

    /// <summary>Bytes of <paramref name="elementCount"/> elements, or null if they fill no whole number of bytes or
    /// more than <see cref="long.MaxValue"/>.</summary>
    internal static long? ByteLength(TensorType type, long elementCount)
    {
        UInt128 bits = (UInt128)(ulong)elementCount * (uint)type.BitsPerElement();
        return bits % 8 == 0 && bits / 8 <= long.MaxValue ? (long)(bits / 8) : null;
    }

    private static Facts Get(TensorType type)
    {
        if ((uint)type >= (uint)s_facts.Length)
            throw new ArgumentOutOfRangeException(nameof(type), type, "Not a member of TensorType.");
        return s_facts[(int)type];
    }
}
