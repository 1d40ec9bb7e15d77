namespace TorchSharp;

/// <summary>A number of any element type, as an argument of tensor operations.</summary>
public sealed class Scalar : IDisposable
{
    private Scalar(torch.ScalarType type, long integer, double real)
    {
        Type = type;
        Integer = integer;
        Real = real;
    }

    /// <summary>Float64, Int64 or Bool: libtorch's scalars know no narrower types.</summary>
    public torch.ScalarType Type { get; }

    internal long Integer { get; }

    internal double Real { get; }

    internal bool IsReal => Type is torch.ScalarType.Float64;

    public static implicit operator Scalar(byte value) => FromInteger(torch.ScalarType.Int64, value);

    public static implicit operator Scalar(sbyte value) => FromInteger(torch.ScalarType.Int64, value);

    public static implicit operator Scalar(short value) => FromInteger(torch.ScalarType.Int64, value);

    public static implicit operator Scalar(int value) => FromInteger(torch.ScalarType.Int64, value);

    public static implicit operator Scalar(long value) => FromInteger(torch.ScalarType.Int64, value);

    public static implicit operator Scalar(bool value) => FromInteger(torch.ScalarType.Bool, value ? 1 : 0);

    public static implicit operator Scalar(float value) => new(torch.ScalarType.Float64, 0, value);

    public static implicit operator Scalar(double value) => new(torch.ScalarType.Float64, 0, value);

    public void Dispose()
    {
        // The real one frees a native object here; this one holds none.
    }

    private static Scalar FromInteger(torch.ScalarType type, long value) => new(type, value, value);
}
