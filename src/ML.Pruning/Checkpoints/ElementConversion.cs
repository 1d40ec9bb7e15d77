using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace ML.Pruning.Checkpoints;

/// <summary>Converts stored elements to float32 and back. Little-endian; the bytes need no alignment.</summary>
internal static class ElementConversion
{
    private const uint HalfUlpBelow = 0x7FFF;
    private const uint QuietNaN = 0x0040;

    /// <summary>Whether float32 can be rounded to this type: F64, F32, F16 and BF16.</summary>
    public static bool CanRoundTo(TensorType type) =>
        type is TensorType.F64 or TensorType.F32 or TensorType.F16 or TensorType.BF16;

    /// <summary>Converts elements to float32, rounding F64 and wide integers to nearest even.</summary>
    /// <exception cref="NotSupportedException">The type cannot be converted.</exception>
    public static void ToSingle(TensorType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        switch (type)
        {
            case TensorType.F32:
                source.CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case TensorType.F16:
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(source), destination);
                break;
            case TensorType.BF16:
                WidenBFloat16(MemoryMarshal.Cast<byte, ushort>(source), destination);
                break;
            case TensorType.F64:
                Convert<double>(source, destination);
                break;
            case TensorType.Bool:
                for (int i = 0; i < destination.Length; i++)
                    destination[i] = source[i] == 0 ? 0f : 1f;
                break;
            case TensorType.U8:
                Convert<byte>(source, destination);
                break;
            case TensorType.I8:
                Convert<sbyte>(source, destination);
                break;
            case TensorType.I16:
                Convert<short>(source, destination);
                break;
            case TensorType.U16:
                Convert<ushort>(source, destination);
                break;
            case TensorType.I32:
                Convert<int>(source, destination);
                break;
            case TensorType.U32:
                Convert<uint>(source, destination);
                break;
            case TensorType.I64:
                Convert<long>(source, destination);
                break;
            case TensorType.U64:
                Convert<ulong>(source, destination);
                break;
            default:
                throw new NotSupportedException($"Elements of type {type.Name()} cannot be read as float32.");
        }
    }

    /// <summary>Rounds float32 to the type, to nearest even; too large values become infinities.</summary>
    /// <exception cref="NotSupportedException">The type is not one of F64, F32, F16, BF16.</exception>
    public static void FromSingle(TensorType type, ReadOnlySpan<float> source, Span<byte> destination)
    {
        switch (type)
        {
            case TensorType.F32:
                MemoryMarshal.AsBytes(source).CopyTo(destination);
                break;
            case TensorType.F16:
                TensorPrimitives.ConvertToHalf(source, MemoryMarshal.Cast<byte, Half>(destination));
                break;
            case TensorType.BF16:
                NarrowToBFloat16(source, MemoryMarshal.Cast<byte, ushort>(destination));
                break;
            case TensorType.F64:
                TensorPrimitives.ConvertTruncating(source, MemoryMarshal.Cast<byte, double>(destination));
                break;
            default:
                throw new NotSupportedException(
                    $"float32 cannot be rounded to {type.Name()}; possible are F64, F32, F16 and BF16.");
        }
    }

    private static void Convert<T>(ReadOnlySpan<byte> source, Span<float> destination)
        where T : unmanaged, INumberBase<T> =>
        TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, T>(source), destination);

    private static void WidenBFloat16(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        Span<uint> bits = MemoryMarshal.Cast<float, uint>(destination);
        int step = Vector<ushort>.Count;
        int i = 0;
        for (; i <= source.Length - step; i += step)
        {
            Vector.Widen(new Vector<ushort>(source[i..]), out Vector<uint> low, out Vector<uint> high);
            (low << 16).CopyTo(bits[i..]);
            (high << 16).CopyTo(bits[(i + Vector<uint>.Count)..]);
        }
        for (; i < source.Length; i++)
            bits[i] = (uint)source[i] << 16;
    }

    private static void NarrowToBFloat16(ReadOnlySpan<float> source, Span<ushort> destination)
    {
        ReadOnlySpan<uint> bits = MemoryMarshal.Cast<float, uint>(source);
        int half = Vector<uint>.Count;
        int step = Vector<ushort>.Count;
        int i = 0;
        for (; i <= bits.Length - step; i += step)
        {
            Vector<uint> low = RoundToUpperHalf(new Vector<uint>(bits[i..]));
            Vector<uint> high = RoundToUpperHalf(new Vector<uint>(bits[(i + half)..]));
            Vector.Narrow(low, high).CopyTo(destination[i..]);
        }
        for (; i < bits.Length; i++)
        {
            uint x = bits[i];
            destination[i] = float.IsNaN(source[i])
                ? (ushort)((x >> 16) | QuietNaN)
                : (ushort)((x + HalfUlpBelow + ((x >> 16) & 1)) >> 16);
        }
    }

    // Adds just under half a unit of the last kept bit, plus one if that bit is odd: ties go to even.
    private static Vector<uint> RoundToUpperHalf(Vector<uint> x)
    {
        Vector<uint> upper = x >>> 16;
        Vector<uint> rounded = (x + new Vector<uint>(HalfUlpBelow) + (upper & Vector<uint>.One)) >>> 16;
        Vector<float> value = Vector.AsVectorSingle(x);
        Vector<uint> isNumber = Vector.AsVectorUInt32(Vector.Equals(value, value));
        return Vector.ConditionalSelect(isNumber, rounded, upper | new Vector<uint>(QuietNaN));
    }
}
