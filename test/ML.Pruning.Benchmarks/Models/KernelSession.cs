using Microsoft.ML.OnnxRuntime;
using ML.Pruning.Inference.Onnx;

namespace ML.Pruning.Benchmarks.Models;

/// <summary>Opens graphs that may have nodes on this library's kernels.</summary>
internal static class KernelSession
{
    /// <summary>Opens a graph.</summary>
    /// <param name="path">The ONNX file.</param>
    /// <param name="threads">Threads of a run; 0 = one for each core.</param>
    /// <returns>The session; the caller disposes it.</returns>
    public static InferenceSession Open(string path, int threads = 0)
    {
        using var options = new SessionOptions
        {
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
            IntraOpNumThreads = threads,
        };
        options.RegisterCustomOpLibrary(SparseOperator.Library!);
        return new InferenceSession(path, options);
    }
}
