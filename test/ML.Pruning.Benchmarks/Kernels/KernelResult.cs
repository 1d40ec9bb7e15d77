using System.Globalization;

namespace ML.Pruning.Benchmarks.Kernels;

/// <summary>One of our products beside one baseline.</summary>
/// <param name="Kernel">The packed format, and how it ran: gemv for one row, gemm for more.</param>
/// <param name="Rows">Output features.</param>
/// <param name="Columns">Input features.</param>
/// <param name="Batch">Rows of activations.</param>
/// <param name="Type">f32, bf16, int8 or int4g64.</param>
/// <param name="Sparsity">As asked for.</param>
/// <param name="ActualSparsity">Share of the weights that are not stored.</param>
/// <param name="Threads">Threads of both.</param>
/// <param name="MedianMicroseconds">Ours, activations quantised inside.</param>
/// <param name="Baseline">onnxruntime-f32, onnxruntime-int8, onnxruntime-int4 or self-dense.</param>
/// <param name="BaselineMedianMicroseconds">The baseline's, measured in turns with ours.</param>
/// <param name="Ratio">Baseline over ours.</param>
/// <param name="BytesPerSecond">Packed bytes over our time.</param>
/// <param name="ReadLimitBytesPerSecond">What plain reading reached in the same turns.</param>
/// <param name="Target">The instruction set in use.</param>
internal sealed record KernelResult(
    string Kernel, int Rows, int Columns, int Batch, string Type, double Sparsity, double ActualSparsity, int Threads,
    double MedianMicroseconds, string Baseline, double BaselineMedianMicroseconds, double Ratio, double BytesPerSecond,
    double ReadLimitBytesPerSecond, string Target)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Kernel} {Rows}x{Columns} batch {Batch} {Type} {Sparsity:P0}: {MedianMicroseconds:F0} us, {Ratio:F2} x {Baseline} "
        + $"({BaselineMedianMicroseconds:F0} us), {BytesPerSecond / ReadLimitBytesPerSecond:P0} of the read limit "
        + $"({ReadLimitBytesPerSecond / 1e9:F1} GB/s)");
}
