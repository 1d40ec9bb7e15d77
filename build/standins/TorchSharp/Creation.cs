using TorchSharp.PInvoke;

namespace TorchSharp;

public static partial class torch
{
    public static Tensor zeros(
        long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) => Created(Ops.zeros, size, dtype, device, requires_grad, names);

    public static Tensor zeros(
        long size, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) => zeros([size], dtype, device, requires_grad, names);

    public static Tensor zeros(
        long rows, long columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) => zeros([rows, columns], dtype, device, requires_grad, names);

    public static Tensor zeros(
        long dim0, long dim1, long dim2, ScalarType? dtype = null, Device device = null,
        bool requires_grad = false, string[] names = null) =>
        zeros([dim0, dim1, dim2], dtype, device, requires_grad, names);

    public static Tensor zeros(
        long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device device = null,
        bool requires_grad = false, string[] names = null) =>
        zeros([dim0, dim1, dim2, dim3], dtype, device, requires_grad, names);

    public static Tensor ones(
        long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) => Created(Ops.ones, size, dtype, device, requires_grad, names);

    public static Tensor ones(
        long size, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) => ones([size], dtype, device, requires_grad, names);

    public static Tensor ones(
        long rows, long columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) => ones([rows, columns], dtype, device, requires_grad, names);

    public static Tensor ones(
        long dim0, long dim1, long dim2, ScalarType? dtype = null, Device device = null,
        bool requires_grad = false, string[] names = null) =>
        ones([dim0, dim1, dim2], dtype, device, requires_grad, names);

    public static Tensor ones(
        long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device device = null,
        bool requires_grad = false, string[] names = null) =>
        ones([dim0, dim1, dim2, dim3], dtype, device, requires_grad, names);

    public static Tensor empty(
        long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) => Created(Ops.empty_memory_format, size, dtype, device, requires_grad, names);

    public static Tensor empty(
        long size, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) => empty([size], dtype, device, requires_grad, names);

    public static Tensor empty(
        long rows, long columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) => empty([rows, columns], dtype, device, requires_grad, names);

    public static Tensor empty(
        long dim0, long dim1, long dim2, ScalarType? dtype = null, Device device = null,
        bool requires_grad = false, string[] names = null) =>
        empty([dim0, dim1, dim2], dtype, device, requires_grad, names);

    public static Tensor empty(
        long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device device = null,
        bool requires_grad = false, string[] names = null) =>
        empty([dim0, dim1, dim2, dim3], dtype, device, requires_grad, names);

    public static Tensor zeros_like(
        Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) => Like(Ops.zeros_like, input, dtype, device, requires_grad, names);

    public static Tensor ones_like(
        Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) => Like(Ops.ones_like, input, dtype, device, requires_grad, names);

    public static Tensor empty_like(
        Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) => Like(Ops.empty_like, input, dtype, device, requires_grad, names);

    public static Tensor full(
        long[] size, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) =>
        Finished(Ops.full.Call(size, value, dtype ?? TypeOf(value), Argument.None, device), requires_grad, names);

    public static Tensor full(
        long size, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) => full([size], value, dtype, device, requires_grad, names);

    public static Tensor full(
        long rows, long columns, Scalar value, ScalarType? dtype = null, Device device = null,
        bool requires_grad = false, string[] names = null) =>
        full([rows, columns], value, dtype, device, requires_grad, names);

    public static Tensor full(
        long dim0, long dim1, long dim2, Scalar value, ScalarType? dtype = null, Device device = null,
        bool requires_grad = false, string[] names = null) =>
        full([dim0, dim1, dim2], value, dtype, device, requires_grad, names);

    public static Tensor full_like(
        Tensor input, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) =>
        Finished(Ops.full_like.Call(input, value, dtype, Argument.None, device), requires_grad, names);

    public static Tensor eye(
        long rows, long columns = -1, ScalarType? dtype = null, Device device = null, bool requires_grad = false,
        string[] names = null) =>
        Finished(
            Ops.eye_m.Call(rows, columns < 0 ? rows : columns, dtype ?? s_defaultType, Argument.None, device),
            requires_grad, names);

    public static Tensor arange(
        Scalar stop, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        arange(0, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(
        Scalar start, Scalar stop, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        arange(start, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(
        Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device device = null,
        bool requires_grad = false)
    {
        var type = dtype ?? (start.IsReal || stop.IsReal || step.IsReal ? s_defaultType : ScalarType.Int64);
        var result = Ops.arange_start_step.Call(start, stop, step, type, Argument.None, device);
        return Finished(result, requires_grad, null);
    }

    public static Tensor linspace(
        double start, double end, long steps, ScalarType? dtype = null, Device device = null,
        bool requires_grad = false) =>
        Finished(
            Ops.linspace.Call(start, end, (long?)steps, dtype ?? s_defaultType, Argument.None, device), requires_grad,
            null);

    private static Tensor Created(
        Operator op, long[] size, ScalarType? dtype, Device device, bool requires_grad, string[] names) =>
        Finished(op.Call(size, dtype ?? s_defaultType, Argument.None, device), requires_grad, names);

    private static Tensor Like(
        Operator op, Tensor input, ScalarType? dtype, Device device, bool requires_grad, string[] names) =>
        Finished(op.Call(input, dtype, Argument.None, device), requires_grad, names);

    private static ScalarType TypeOf(Scalar value) => value.IsReal ? s_defaultType : ScalarType.Int64;

    /// <summary>What every creation function does last.</summary>
    private static Tensor Finished(Tensor result, bool requires_grad, string[] names)
    {
        if (names is { Length: > 0 })
            throw new NotSupportedException("Named dimensions are outside this stand-in.");
        if (requires_grad)
            result.requires_grad = true;
        return result;
    }
}
