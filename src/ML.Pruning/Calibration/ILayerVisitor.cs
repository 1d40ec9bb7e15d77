using ML.Pruning.Checkpoints;
using static TorchSharp.torch;

namespace ML.Pruning.Calibration;

/// <summary>What is done with each layer while calibration text streams through a model.</summary>
internal interface ILayerVisitor
{
    /// <summary>Called before the layer runs: who wants to see which of its inputs.</summary>
    /// <param name="layer">Layer, from 0.</param>
    /// <param name="inputs">The distinct inputs of its linear maps.</param>
    /// <returns>For any of the inputs an observer, called with [batch, length, features] for each batch of windows; the
    /// tensor belongs to the runner.</returns>
    IReadOnlyDictionary<LinearInput, Action<Tensor>> Observe(int layer, IReadOnlyList<LinearInput> inputs);

    /// <summary>Whether <see cref="Replace"/> is to be called for the layer.</summary>
    /// <param name="layer">Layer, from 0.</param>
    bool Changes(int layer);

    /// <summary>Called after all windows went through the layer as it was.</summary>
    /// <param name="layer">Layer, from 0.</param>
    /// <returns>The tensors of the changed layer by canonical name; later layers see its outputs.</returns>
    IReadOnlyDictionary<string, StoredTensor> Replace(int layer);
}
