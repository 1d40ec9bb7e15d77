using System.Runtime.InteropServices;

namespace TorchSharp.PInvoke;

/// <summary>The C ABI of native/*.cpp. A negative result, or null where a handle is due, is an error.</summary>
internal static unsafe partial class Shim
{
    private const string Library = "TorchSharpShim";

    [LibraryImport(Library)]
    private static partial byte* ts_error();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint ts_operator(string name, string overload);

    [LibraryImport(Library)]
    internal static partial int ts_call(nint handle, NativeValue* arguments, int count, NativeValue** results);

    [LibraryImport(Library)]
    internal static partial void ts_free(nint tensor);

    [LibraryImport(Library)]
    internal static partial nint ts_alias(nint tensor);

    [LibraryImport(Library)]
    internal static partial long ts_dim(nint tensor);

    [LibraryImport(Library)]
    internal static partial int ts_geometry(nint tensor, long* sizes, long* strides, int capacity);

    [LibraryImport(Library)]
    internal static partial int ts_dtype(nint tensor);

    [LibraryImport(Library)]
    internal static partial int ts_device(nint tensor, int* index);

    [LibraryImport(Library)]
    internal static partial long ts_itemsize(nint tensor);

    [LibraryImport(Library)]
    internal static partial int ts_data(nint tensor, void** data);

    [LibraryImport(Library)]
    internal static partial int ts_is_contiguous(nint tensor);

    [LibraryImport(Library)]
    internal static partial int ts_requires_grad(nint tensor);

    [LibraryImport(Library)]
    internal static partial int ts_set_requires_grad(nint tensor, int value);

    [LibraryImport(Library)]
    internal static partial int ts_is_leaf(nint tensor);

    [LibraryImport(Library)]
    internal static partial int ts_retain_grad(nint tensor);

    [LibraryImport(Library)]
    internal static partial int ts_grad(nint tensor, nint* grad);

    [LibraryImport(Library)]
    internal static partial int ts_set_grad(nint tensor, nint grad);

    [LibraryImport(Library)]
    internal static partial int ts_grad_mode();

    [LibraryImport(Library)]
    internal static partial void ts_set_grad_mode(int on);

    [LibraryImport(Library)]
    internal static partial int ts_inference_mode();

    [LibraryImport(Library)]
    internal static partial nint ts_inference_enter(int on);

    [LibraryImport(Library)]
    internal static partial void ts_inference_exit(nint guard);

    [LibraryImport(Library)]
    internal static partial int ts_backward(
        nint* outputs, int outputCount, nint* grads, int gradCount, int retain, int create, nint* inputs,
        int inputCount);

    [LibraryImport(Library)]
    internal static partial int ts_autograd_grad(
        nint* outputs, int outputCount, nint* inputs, int inputCount, nint* grads, int gradCount, int retain,
        int create, int allowUnused, nint* results);

    [LibraryImport(Library)]
    internal static partial int ts_set_num_threads(int count);

    [LibraryImport(Library)]
    internal static partial int ts_get_num_threads();

    [LibraryImport(Library)]
    internal static partial nint ts_generator_default();

    [LibraryImport(Library)]
    internal static partial nint ts_generator_new(ulong seed);

    [LibraryImport(Library)]
    internal static partial void ts_generator_free(nint generator);

    [LibraryImport(Library)]
    internal static partial int ts_generator_seed(nint generator, long seed);

    [LibraryImport(Library)]
    internal static partial int ts_generator_initial_seed(nint generator, long* seed);

    [LibraryImport(Library)]
    internal static partial nint ts_generator_get_state(nint generator);

    [LibraryImport(Library)]
    internal static partial int ts_generator_set_state(nint generator, nint state);

    /// <summary>Throws the last native error of this thread.</summary>
    internal static Exception Error() => new ExternalException(Marshal.PtrToStringUTF8((nint)ts_error()));

    internal static int Check(int result) => result >= 0 ? result : throw Error();

    internal static long Check(long result) => result >= 0 ? result : throw Error();

    internal static nint CheckHandle(nint handle) => handle != 0 ? handle : throw Error();
}
