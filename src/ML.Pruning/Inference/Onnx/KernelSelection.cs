using System.Globalization;
using ML.Pruning.Checkpoints;
using ML.Pruning.Kernels;
using ML.Pruning.Models;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Inference.Onnx;

/// <summary>Chooses for each linear map between ONNX Runtime's product and the sparse kernels, by a short measurement
/// of the product with one token, as in decoding: one for each shape and twentieth of sparsity. What was measured is
/// remembered for the model's next start on this machine.</summary>
internal sealed class KernelSelection
{
    // Below this the kernels never win; and weights so small take no time that is worth a measurement.
    private const double LeastSparsity = 0.2;
    private const int LeastWeights = 1 << 15;

    // Gathering single weights wins late; whole vectors of zeros are looked for where few values are stored in vain.
    private const double CsrFrom = 0.8;
    private const double MostBlockWaste = 1.25;
    private const int SparsitySteps = 20;
    private const long UsualL2Bytes = 2 << 20;

    private readonly Dictionary<(int Rows, int Columns, int Step), Measured> _measured = [];
    private readonly List<LayerKernel> _layers = [];

    private KernelSelection()
    {
    }

    private KernelSelection(IReadOnlyList<LayerKernel> remembered)
    {
        _layers.AddRange(remembered);
        IsRemembered = true;
    }

    /// <summary>The choice for each linear map.</summary>
    public IReadOnlyList<LayerKernel> Layers => _layers;

    /// <summary>The weights that are packed, and how.</summary>
    public IReadOnlyDictionary<string, PackedFormat> Formats => _layers
        .Where(layer => layer.Kernel != LayerKernel.Dense)
        .ToDictionary(layer => layer.Name, layer => Enum.Parse<PackedFormat>(layer.Kernel, ignoreCase: true));

    /// <summary>Whether the choices are remembered ones, and nothing was measured now.</summary>
    public bool IsRemembered { get; }

    /// <summary>Chooses for a model.</summary>
    /// <param name="model">The model, with weights.</param>
    /// <param name="cache">Where choices are remembered; null = the user's folder.</param>
    /// <returns>The choices.</returns>
    public static KernelSelection Of(LanguageModel model, KernelCache? cache = null)
    {
        cache ??= KernelCache.OfUser;
        StoredTensor[] weights = [.. Enumerable.Range(0, model.Spec.Layers.Count).SelectMany(model.Spec.Linears)
            .Select(linear => model.Weights[linear.WeightName])];

        // What is remembered stands by the hash of all weights, so that none need be counted. Nothing is remembered of
        // dense models, whose first matrix tells what they are, and which are spared the hash.
        StoredTensor? first = weights.FirstOrDefault(weight => weight.ElementCount >= LeastWeights);
        bool isAsked = first is not null && Sparsity(first) >= LeastSparsity;
        if (isAsked && cache.Find(model) is { } known) return new KernelSelection(known);

        double[] sparsities = [.. weights.Select(Sparsity)];
        bool measures = weights.Zip(sparsities, WhyUnmeasured).Contains(null);
        if (measures && !isAsked && cache.Find(model) is { } late) return new KernelSelection(late);

        var selection = new KernelSelection();
        for (int i = 0; i < weights.Length; i++) selection.Choose(weights[i], sparsities[i]);
        if (measures) cache.Add(model, selection.Layers);
        return selection;
    }

    private static double Sparsity(StoredTensor weight) =>
        (double)TensorCensus.Take(weight, CancellationToken.None).Zeros / weight.ElementCount;

    // Null = it is worth a measurement.
    private static string? WhyUnmeasured(StoredTensor weight, double sparsity) =>
        sparsity < LeastSparsity ? Text($"{sparsity:P0} zeros; below {LeastSparsity:P0} dense is faster")
        : weight.ElementCount < LeastWeights ? Text($"{weight.ElementCount} weights are too few for zeros to matter")
        : null;

    private void Choose(StoredTensor weight, double sparsity)
    {
        int rows = (int)weight.Shape[0], columns = (int)weight.Shape[1];
        if (WhyUnmeasured(weight, sparsity) is { } why)
        {
            _layers.Add(new LayerKernel(weight.Name, rows, columns, sparsity, LayerKernel.Dense, null, null, why));
            return;
        }

        var key = (rows, columns, (int)(sparsity * SparsitySteps));
        if (!_measured.TryGetValue(key, out Measured? measured))
            _measured.Add(key, measured = Measure(weight, rows, columns, sparsity));
        string kernel = measured.Format?.ToString().ToLowerInvariant() ?? LayerKernel.Dense;
        bool isCached = measured.Format is null && weight.ElementCount * sizeof(float) <= UsualL2Bytes;
        _layers.Add(new LayerKernel(weight.Name, rows, columns, sparsity, kernel, measured.Dense, measured.Sparse, Text(
            $"measured: dense {measured.Dense:F0} us, {measured.Best} {measured.Sparse:F0} us")
            + (isCached ? "; it fits the L2 cache, where unpacking costs more than reading" : "")));
    }

    private static Measured Measure(StoredTensor weight, int rows, int columns, double sparsity)
    {
        var values = new float[weight.ElementCount];
        weight.Read(0, values);
        var candidates = new List<PackedMatrix> { Pack(PackedFormat.Bitmask) };
        try
        {
            if (sparsity >= CsrFrom && columns <= ushort.MaxValue) candidates.Add(Pack(PackedFormat.Csr));
            if (columns <= ushort.MaxValue) candidates.Add(Pack(PackedFormat.Block));
            if (candidates[^1] is { Format: PackedFormat.Block } block
                && block.Kept > MostBlockWaste * candidates[0].Kept)
            {
                block.Dispose();
                candidates.RemoveAt(candidates.Count - 1);
            }

            using var dense = new DenseProduct(values, rows, columns);
            float[] x = new float[columns], y = new float[rows];
            Array.Fill(x, 1f);
            double[] times = KernelTiming.Fastest(
                [dense.Run, .. candidates.Select(c => (Action)(() => c.Multiply(x, 1, y)))]);
            int best = Array.IndexOf(times, times.Skip(1).Min(), 1);
            PackedFormat format = candidates[best - 1].Format;
            return new Measured(
                times[best] < times[0] ? format : null, times[0], times[best], format.ToString().ToLowerInvariant());
        }
        finally
        {
            foreach (PackedMatrix candidate in candidates) candidate.Dispose();
        }

        PackedMatrix Pack(PackedFormat format) =>
            PackedMatrix.Pack(values, rows, columns, format, PackedType.Float32);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed record Measured(PackedFormat? Format, double Dense, double Sparse, string Best);
}
