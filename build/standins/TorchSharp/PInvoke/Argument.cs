namespace TorchSharp.PInvoke;

/// <summary>A managed argument of a dispatcher call; null becomes None.</summary>
internal readonly struct Argument
{
    internal readonly ValueTag Tag;
    internal readonly long Integer;
    internal readonly double Real;
    internal readonly object Reference;

    private Argument(ValueTag tag, long integer = 0, double real = 0, object reference = null)
    {
        Tag = tag;
        Integer = integer;
        Real = real;
        Reference = reference;
    }

    /// <summary>Takes the default value of the operator's schema.</summary>
    internal static readonly Argument Default = new(ValueTag.Default);

    internal static readonly Argument None;

    public static implicit operator Argument(torch.Tensor value) =>
        value is null ? None : new(ValueTag.Tensor, reference: value);

    public static implicit operator Argument(torch.Tensor[] value) =>
        value is null ? None : new(ValueTag.Tensors, reference: value);

    public static implicit operator Argument(torch.Generator value) =>
        value is null ? None : new(ValueTag.Generator, reference: value);

    public static implicit operator Argument(long[] value) =>
        value is null ? None : new(ValueTag.Ints, reference: value);

    public static implicit operator Argument(string value) =>
        value is null ? None : new(ValueTag.String, reference: value);

    public static implicit operator Argument(long value) => new(ValueTag.Int, value);

    public static implicit operator Argument(long? value) => value is long v ? v : None;

    public static implicit operator Argument(double value) => new(ValueTag.Double, real: value);

    public static implicit operator Argument(bool value) => new(ValueTag.Bool, value ? 1 : 0);

    public static implicit operator Argument(torch.ScalarType value) => new(ValueTag.Int, (long)value);

    public static implicit operator Argument(torch.ScalarType? value) =>
        value is torch.ScalarType v ? v : None;

    public static implicit operator Argument(torch.Device value) =>
        value is null ? None : new(ValueTag.String, reference: value.ToString());

    public static implicit operator Argument(Scalar value) => value switch
    {
        null => None,
        { IsReal: true } => new(ValueTag.Double, real: value.Real),
        { Type: torch.ScalarType.Bool } => new(ValueTag.Bool, value.Integer),
        _ => new(ValueTag.Int, value.Integer),
    };
}
