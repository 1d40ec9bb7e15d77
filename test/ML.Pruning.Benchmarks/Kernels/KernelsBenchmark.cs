using ML.Pruning.Kernels;

namespace ML.Pruning.Benchmarks.Kernels;

/// <summary>Products of packed matrices from memory, in turns with ONNX Runtime's own dense products and with
/// ours.</summary>
/// <remarks>One thread. Each matrix has copies that exceed every cache, and a turn takes the next one. Ours includes
/// the quantisation of the activations, as ONNX Runtime's does.</remarks>
internal sealed class KernelsBenchmark : Benchmark
{
    private const long MostCopyBytes = 320L << 20; // above the last cache of servers
    private const int Columns = 4096;
    private const int Prefill = 256;

    private static readonly double[] s_sparsities = [0.5, 0.7, 0.8, 0.9];
    private static readonly (PackedType Type, string Name, int BlockColumns, string[] Baselines)[] s_types =
    [
        (PackedType.Float32, "f32", 1, ["onnxruntime-f32"]),
        (PackedType.BFloat16, "bf16", 2, ["onnxruntime-f32"]),
        (PackedType.Int8, "int8", 4, ["onnxruntime-f32", "onnxruntime-int8"]),
        (PackedType.Int4, "int4g64", 4, ["onnxruntime-f32", "onnxruntime-int4"]),
    ];

    public override string Group => "kernels";

    public override string Name => "products";

    public override string Description => "packed products of 4096x4096 and 11008x4096 matrices from memory, one "
        + "thread";

    public override string? WhyNot(BenchmarkSettings settings) => KernelLibrary.WhyManaged;

    public override IEnumerable<object> Run(BenchmarkSettings settings)
    {
        var copyBytes = (long)(MostCopyBytes * settings.Scale);
        foreach (int fullRows in new[] { 4096, 11008 })
        {
            int rows = Math.Max(64, (int)(fullRows * settings.Scale) / 16 * 16);
            foreach (KernelResult result in Measure(rows, batch: 1, turns: 15, copyBytes))
                yield return result;
            if (fullRows == 4096)
                foreach (KernelResult result in Measure(rows, Prefill, turns: 3, copyBytes))
                    yield return result;
        }
    }

    private static IEnumerable<KernelResult> Measure(int rows, int batch, int turns, long copyBytes)
    {
        float[] weights = KernelData.Weights(rows, Columns);
        float[] x = KernelData.Activations(batch, Columns);
        float[] y = new float[batch * rows];
        using Rotation<ReadLimit.ReadBlock> limit = ReadLimit.Create(copyBytes);
        var baselines = new Dictionary<string, Rotation<OnnxRuntimeProduct>>();
        try
        {
            foreach ((string name, long bytes) in new[]
            {
                ("onnxruntime-f32", 4L), ("onnxruntime-int8", 1L), ("onnxruntime-int4", 1L),
            })
                baselines[name] = Load(
                    name, weights, rows, batch, batch == 1 ? (int)(copyBytes / (bytes * rows * Columns) + 2) : 1);

            foreach ((PackedType type, string typeName, int blockColumns, string[] against) in s_types)
            {
                Rotation<PackedMatrix> Ours(float[] of, PackedFormat format, out PackedMatrix matrix)
                {
                    // A product of many rows is bound by arithmetic; two copies do.
                    PackedMatrix[] copies = KernelData.Pack(of, rows, Columns, format, type, batch == 1 ? copyBytes : 1);
                    matrix = copies[0];
                    return new Rotation<PackedMatrix>(copies, copy => copy.Multiply(x, batch, y));
                }

                using Rotation<PackedMatrix> dense = Ours(weights, PackedFormat.Dense, out PackedMatrix denseMatrix);
                Dictionary<string, ITurn> others = against.ToDictionary(name => name, name => (ITurn)baselines[name]);
                foreach (KernelResult result in Compare(denseMatrix, 0, typeName, dense, others, limit, batch, turns))
                    yield return result;
                others["self-dense"] = dense;
                foreach ((PackedFormat format, double sparsity) in Configurations(type, batch))
                {
                    float[] pruned = KernelData.Prune(
                        weights, Columns, sparsity, format == PackedFormat.Block ? blockColumns : 0);
                    using Rotation<PackedMatrix> ours = Ours(pruned, format, out PackedMatrix matrix);
                    foreach (KernelResult result in Compare(matrix, sparsity, typeName, ours, others, limit, batch, turns))
                        yield return result;
                }
            }
        }
        finally
        {
            foreach (Rotation<OnnxRuntimeProduct> baseline in baselines.Values)
                baseline.Dispose();
        }
    }

    private static IEnumerable<(PackedFormat Format, double Sparsity)> Configurations(PackedType type, int batch)
    {
        IEnumerable<(PackedFormat, double)> all = s_sparsities.SelectMany(
            sparsity => new[] { (PackedFormat.Bitmask, sparsity), (PackedFormat.Block, sparsity) });
        return type == PackedType.Float32 && batch == 1 ? all.Append((PackedFormat.Csr, 0.9)) : all;
    }

    // ONNX Runtime takes W as [columns, rows]; the values do not matter for its time.
    private static Rotation<OnnxRuntimeProduct> Load(string name, float[] weights, int rows, int batch, int copies) =>
        new([.. Enumerable.Range(0, copies).Select(_ => new OnnxRuntimeProduct(name, weights, rows, Columns, batch))],
            product => product.Run());

    private static IEnumerable<KernelResult> Compare(
        PackedMatrix matrix, double sparsity, string type, ITurn ours, Dictionary<string, ITurn> others, ITurn limit,
        int batch, int turns)
    {
        ITurn[] all = [ours, limit, .. others.Values];
        foreach (ITurn turn in all)
            turn.Start();
        for (int i = 0; i < turns; i++)
            foreach (ITurn turn in all)
                turn.Take();

        double median = ours.Median();
        double kept = (double)matrix.Kept / ((double)matrix.Rows * matrix.Columns);
        foreach ((string name, ITurn other) in others)
            yield return new KernelResult(
                $"{(batch == 1 ? "gemv" : "gemm")}-{matrix.Format.ToString().ToLowerInvariant()}", matrix.Rows,
                matrix.Columns, batch, type, sparsity, Math.Max(0, 1 - kept), 1, median, name, other.Median(),
                other.Median() / median, matrix.SizeBytes / median * 1e6, ReadLimit.TurnBytes / limit.Median() * 1e6,
                KernelLibrary.Target.ToString().ToLowerInvariant());
    }
}
