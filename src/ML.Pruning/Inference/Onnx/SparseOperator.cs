using System.Diagnostics;
using System.Runtime.InteropServices;
using ML.Pruning.Kernels;

namespace ML.Pruning.Inference.Onnx;

/// <summary>Finds the library with the operator <c>mlpruning.SparseMatMul</c>: the native kernels, where they are built
/// with it.</summary>
internal static class SparseOperator
{
    private const string EntryPoint = "RegisterCustomOps";
    private static readonly Lazy<string?> s_library = new(Find);

    /// <summary>The path of the library; null = there is none, and graphs with the operator cannot run.</summary>
    public static string? Library => s_library.Value;

    private static string? Find()
    {
        if (!KernelLibrary.IsNative) return null;
        using var process = Process.GetCurrentProcess();
        string? path = process.Modules.Cast<ProcessModule>()
            .FirstOrDefault(module => module.ModuleName.Contains("mlpruning", StringComparison.Ordinal))?.FileName;
        return path is not null && NativeLibrary.TryLoad(path, out nint library)
            && NativeLibrary.TryGetExport(library, EntryPoint, out _) ? path : null;
    }
}
