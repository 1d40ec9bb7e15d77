using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Calibration;

/// <summary>Streams calibration windows through a model, one layer in memory at a time.</summary>
/// <remarks>
/// <para>All windows are embedded once; the hidden states of all windows before the current layer stay in memory, or in
/// a file (windows x length x hidden size, in the precision of the computation). Each layer runs as it is while its
/// inputs are observed; then it may be replaced, and the replaced layer yields the inputs of the next one.</para>
/// <para>Not thread-safe. The same windows, precision, threads and machine give the same bits.</para>
/// </remarks>
internal sealed class LayerStreamingRunner
{
    private const int TokensPerBatch = 2048;
    private const long AttentionScoresPerBatch = 1 << 24;

    // What a process grows by when libtorch and its BLAS are loaded and warm (measured: 130 to 160 MiB).
    internal const long RuntimeBytes = 192L << 20;

    private readonly ModelSpec _spec;
    private readonly ModelSpec _replacedSpec;
    private readonly IReadOnlyDictionary<string, StoredTensor> _weights;
    private readonly TokenWindows _windows;
    private readonly ScalarType _type;
    private readonly Action<double>? _progress;
    private readonly CancellationToken _cancellationToken;

    /// <summary>Prepares a run.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="weights">Its tensors by canonical name.</param>
    /// <param name="windows">The calibration windows, at least one.</param>
    /// <param name="precision">In what it computes.</param>
    /// <param name="progress">Told the fraction done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked between batches of windows.</param>
    /// <param name="replacedSpec">The shape of layers that were replaced, if it differs.</param>
    public LayerStreamingRunner(ModelSpec spec, IReadOnlyDictionary<string, StoredTensor> weights, TokenWindows windows,
        ComputePrecision precision, Action<double>? progress, CancellationToken cancellationToken,
        ModelSpec? replacedSpec = null)
    {
        _replacedSpec = replacedSpec ?? spec;
        _type = TorchPrecision.Of(precision);
        _spec = spec;
        _weights = weights;
        _windows = windows;
        _progress = progress;
        _cancellationToken = cancellationToken;
    }

    /// <summary>Where the hidden states are between two layers.</summary>
    public CalibrationStorage Storage { get; init; }

    /// <summary>Folder of a temporary file for them.</summary>
    public string TempFolder { get; init; } = Path.GetTempPath();

    /// <summary>Windows that run at once: about 2,048 tokens, and attention scores of at most 64 MiB.</summary>
    public static int WindowsPerBatch(ModelSpec spec, int length)
    {
        long scores = spec.Layers.Max(l => l.Heads) * (long)length * length;
        return (int)Math.Max(1, Math.Min(TokensPerBatch / length, AttentionScoresPerBatch / scores));
    }

    /// <summary>Bytes that a run holds at most, estimated from shapes: what it holds all the time, and what running a
    /// layer takes.</summary>
    public static long EstimateBytes(ModelSpec spec, int windows, int length, CalibrationOptions options) =>
        ResidentBytes(spec, windows, length, options) + PassBytes(spec, windows, length);

    /// <summary>Bytes that a run holds all the time, estimated from shapes: the hidden states, if they are in memory,
    /// and torch itself.</summary>
    public static long ResidentBytes(ModelSpec spec, int windows, int length, CalibrationOptions options) =>
        RuntimeBytes + (options.Storage == CalibrationStorage.Disk ? 0
            : (options.Precision == ComputePrecision.BFloat16 ? 2 : sizeof(float)) * (long)windows * length
            * spec.HiddenSize);

    /// <summary>Bytes that running a layer takes beside, at most: the largest layer in float32 and the intermediate
    /// results of a batch; or the embedding.</summary>
    public static long PassBytes(ModelSpec spec, int windows, int length)
    {
        long batch = Math.Min(windows, WindowsPerBatch(spec, length));
        long peak = 0;
        for (int i = 0; i < spec.Layers.Count; i++)
        {
            LayerSpec layer = spec.Layers[i];
            long weights = spec.LayerParameters(i).Sum(p => p.Count);
            long perToken = 4L * spec.HiddenSize + 3L * (layer.QueryWidth + layer.KeyValueWidth) + 3L * layer.MlpWidth;
            long attention = 3L * layer.Heads * length * length;
            peak = Math.Max(peak, weights + batch * (length * perToken + attention));
        }

        long embedding = (long)spec.VocabularySize * spec.HiddenSize;
        return sizeof(float) * Math.Max(peak, embedding);
    }

    /// <summary>Runs all layers.</summary>
    /// <param name="visitor">What is done with each.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Run(ILayerVisitor visitor)
    {
        using var noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using HiddenStates hidden = HiddenStates.Create(
            Storage, TempFolder, _windows.Count, _windows.Length, _spec.StreamWidth, _type);
        Embed(hidden);
        int layers = _spec.Layers.Count;
        for (int layer = 0; layer < layers; layer++)
        {
            bool changes = visitor.Changes(layer);
            bool isLast = layer == layers - 1;
            RunOriginal(visitor, layer, hidden, keepOutput: !changes && !isLast);
            if (changes)
            {
                IReadOnlyDictionary<string, StoredTensor> replaced = visitor.Replace(layer);
                if (!isLast) RunReplaced(layer, replaced, hidden);
            }

            _progress?.Invoke((layer + 1.0) / layers);
        }
    }

    private void Embed(HiddenStates hidden)
    {
        using TorchEmbedding embedding = TorchEmbedding.Load(_spec, _weights, _type);
        ForEachBatch((start, count) =>
        {
            var tokens = new int[count * _windows.Length];
            for (int i = 0; i < count; i++) _windows[start + i].CopyTo(tokens.AsSpan(i * _windows.Length));
            hidden.Write(start, embedding.Forward(TorchWeights.ToTokens(tokens, count)));
        });
    }

    private void RunOriginal(ILayerVisitor visitor, int layer, HiddenStates hidden, bool keepOutput)
    {
        IReadOnlyDictionary<LinearInput, Action<Tensor>> observers =
            visitor.Observe(layer, LinearInput.Of(_spec, layer));
        if (observers.Count == 0 && !keepOutput) return;
        using TorchDecoderLayer module = TorchDecoderLayer.Load(SpecOf(layer, _weights), layer, _weights, _type);
        foreach ((LinearInput input, Action<Tensor> observer) in observers)
            module.Linears[input.Parts[0]].InputObserver = observer;
        ForEachBatch((start, count) =>
        {
            Tensor output = module.forward(hidden.Read(start, count));
            if (keepOutput) hidden.Write(start, output);
            _progress?.Invoke((layer + 0.5 * (start + count) / _windows.Count) / _spec.Layers.Count);
        });
    }

    // A layer that was replaced, now or in an earlier run, may have biases that it did not have.
    private ModelSpec SpecOf(int layer, IReadOnlyDictionary<string, StoredTensor> weights) =>
        _replacedSpec.LayerParameters(layer).All(p => weights.ContainsKey(p.Name)) ? _replacedSpec : _spec;

    private void RunReplaced(int layer, IReadOnlyDictionary<string, StoredTensor> weights, HiddenStates hidden)
    {
        using TorchDecoderLayer module = TorchDecoderLayer.Load(SpecOf(layer, weights), layer, weights, _type);
        ForEachBatch((start, count) =>
        {
            hidden.Write(start, module.forward(hidden.Read(start, count)));
            _progress?.Invoke((layer + 0.5 + 0.5 * (start + count) / _windows.Count) / _spec.Layers.Count);
        });
    }

    private void ForEachBatch(Action<int, int> body)
    {
        int step = WindowsPerBatch(_spec, _windows.Length);
        for (int start = 0; start < _windows.Count; start += step)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            body(start, Math.Min(step, _windows.Count - start));
        }
    }
}
