using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Calibration;

/// <summary>The residual stream of all calibration windows before one layer, which is taken from layer to layer batch
/// by batch.</summary>
/// <remarks>In float32. Not thread-safe; without gradients.</remarks>
internal sealed class ResidualStream : IDisposable
{
    private readonly int _windows;
    private readonly int _windowsPerBatch;
    private readonly HiddenStates _states;
    private readonly CancellationToken _cancellationToken;

    private ResidualStream(ModelSpec spec, TokenWindows windows, CalibrationStorage storage, string tempFolder,
        CancellationToken cancellationToken)
    {
        _windows = windows.Count;
        _windowsPerBatch = LayerStreamingRunner.WindowsPerBatch(spec, windows.Length);
        _states = HiddenStates.Create(
            storage, tempFolder, windows.Count, windows.Length, spec.StreamWidth, ScalarType.Float32);
        Tokens = (long)windows.Count * windows.Length;
        _cancellationToken = cancellationToken;
    }

    /// <summary>Tokens in all windows together.</summary>
    public long Tokens { get; }

    /// <summary>Embeds windows.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="weights">Its tensors by canonical name; only those of the embedding are read.</param>
    /// <param name="windows">The windows, at least one.</param>
    /// <param name="storage">Where the states are between two layers.</param>
    /// <param name="tempFolder">Folder of a temporary file for them.</param>
    /// <param name="cancellationToken">Checked before each batch, here and later.</param>
    /// <returns>The stream before the first layer; the caller disposes it.</returns>
    public static ResidualStream Embed(ModelSpec spec, IReadOnlyDictionary<string, StoredTensor> weights,
        TokenWindows windows, CalibrationStorage storage, string tempFolder, CancellationToken cancellationToken)
    {
        using TorchEmbedding embedding = TorchEmbedding.Load(spec, weights, ScalarType.Float32);
        var stream = new ResidualStream(spec, windows, storage, tempFolder, cancellationToken);
        stream.ForEachBatch((start, count) =>
        {
            var tokens = new int[count * windows.Length];
            for (int i = 0; i < count; i++) windows[start + i].CopyTo(tokens.AsSpan(i * windows.Length));
            stream._states.Write(start, embedding.Forward(TorchWeights.ToTokens(tokens, count)));
        });
        return stream;
    }

    /// <summary>Replaces the states, batch by batch.</summary>
    /// <param name="step">From [batch, length, width] to a tensor of the same shape.</param>
    public void Update(Func<Tensor, Tensor> step) =>
        ForEachBatch((start, count) => _states.Write(start, step(_states.Read(start, count))));

    /// <summary>Looks at the states, batch by batch.</summary>
    /// <param name="look">Given [batch, length, width].</param>
    public void Observe(Action<Tensor> look) => ForEachBatch((start, count) => look(_states.Read(start, count)));

    /// <inheritdoc/>
    public void Dispose() => _states.Dispose();

    private void ForEachBatch(Action<int, int> body)
    {
        using IDisposable noGradient = no_grad();
        for (int start = 0; start < _windows; start += _windowsPerBatch)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            body(start, Math.Min(_windowsPerBatch, _windows - start));
        }
    }
}
