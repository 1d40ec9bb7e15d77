using ML.Pruning.Checkpoints;
using ML.Pruning.Export.Onnx.Rewriting;

namespace ML.Pruning.Export.Onnx;

/// <summary>Makes any ONNX model run its sparse weights on this library's kernels.</summary>
/// <remarks>
/// <para>The constant weights of MatMul, Gemm, Conv (one group) and MatMulNBits (blocks of 64, no zero points) that
/// have enough zeros are packed (docs/kernels.md), and the nodes become <c>mlpruning.SparseMatMul</c> and
/// <c>mlpruning.SparseConv</c>. Weights may be initializers, Constant nodes, or what Identity, Transpose and
/// DequantizeLinear make of those; 8-bit codes without zero points keep their codes and scales in matrix products, with
/// activations on the grid that the model has for them (one constant scale and zero point of 8 bits), or quantised as
/// the kernels do it (one scale a row, at run time). Element-wise nodes after a
/// convolution are joined to it, or become one <c>mlpruning.Points</c>, as y = a x + b, min(max(x, a), b) and x f(x).
/// Every other node stays as it is.</para>
/// <para>The result needs this library's native kernels, registered as a library of custom operators, and ONNX Runtime
/// 1.17 or later. <c>ApplySparseOnnxModel</c> does both in one step.</para>
/// </remarks>
public static class SparseOnnxModel
{
    private const string Domain = "mlpruning";

    /// <summary>Reads a model, packs its sparse weights, and writes the result.</summary>
    /// <param name="source">The ONNX file; its external data lies beside it.</param>
    /// <param name="path">The file to write if it ends in <c>.onnx</c> (up to 2 GiB), else a folder with
    /// <c>model.onnx</c> and <c>model.onnx.data</c>.</param>
    /// <param name="options">What is packed; null = the defaults.</param>
    /// <param name="cancellationToken">Stops between nodes; nothing is left behind.</param>
    /// <returns>For each node that has, or could have, a constant weight what was done and why.</returns>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="IOException">A file cannot be read or written.</exception>
    /// <exception cref="Models.ModelFormatException">The file is no ONNX model.</exception>
    /// <exception cref="NotSupportedException">One file would exceed 2 GiB, or a node keeps its data in a file of its
    /// own.</exception>
    public static IReadOnlyList<SparseOnnxNode> Write(string source, string path, SparseOnnxOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(source);
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new SparseOnnxOptions();
        if (OnnxModel.IsFile(path))
        {
            using var file = new AtomicFile(path, options.Overwrite);
            IReadOnlyList<SparseOnnxNode> report = Write(source, file.Stream, null, options, cancellationToken);
            file.Commit();
            return report;
        }

        using var folder = new OutputFolder(path, options.Overwrite);
        IReadOnlyList<SparseOnnxNode> nodes = WriteTo(source, folder.TemporaryPath, options, cancellationToken);
        folder.Commit();
        return nodes;
    }

    /// <summary>Writes into a folder, without the care that a user's folder gets.</summary>
    /// <param name="source">The ONNX file.</param>
    /// <param name="folder">An empty folder.</param>
    /// <param name="options">What is packed.</param>
    /// <param name="cancellationToken">Stops between nodes.</param>
    /// <returns>What was done.</returns>
    internal static IReadOnlyList<SparseOnnxNode> WriteTo(
        string source, string folder, SparseOnnxOptions options, CancellationToken cancellationToken)
    {
        using FileStream graph = File.Create(Path.Combine(folder, OnnxModel.FileName));
        using FileStream data = File.Create(Path.Combine(folder, OnnxModel.DataFileName));
        return Write(source, graph, data, options, cancellationToken);
    }

    private static IReadOnlyList<SparseOnnxNode> Write(string source, Stream graph, Stream? data,
        SparseOnnxOptions options, CancellationToken cancellationToken)
    {
        options.Check();
        var file = new OnnxGraphFile(source);
        if (file.HasExternalDataInside())
        {
            throw new NotSupportedException($"In '{source}' a node keeps its data in a file of its own; only "
                + "initializers of the graph may. Run the model as it is.");
        }

        var rewriting = new SparseRewriting(file, options);
        try
        {
            List<OnnxNode> nodes = rewriting.Run(cancellationToken);
            OnnxRewriter.Write(
                file, nodes, rewriting.Added, Domain, graph, data, OnnxModel.DataFileName, cancellationToken);
        }
        finally
        {
            foreach (IDisposable packed in rewriting.Added.OfType<IDisposable>()) packed.Dispose();
        }

        return rewriting.Report;
    }
}
