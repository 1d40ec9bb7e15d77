using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Importance;

/// <summary>How much each layer turns the residual stream (ShortGPT).</summary>
/// <remarks>BI = 1 - mean over tokens of cos(h before, h after): Men et al. 2024, arXiv:2403.03853, eq. 1. A layer that
/// changes nothing has 0. Cosines are taken in float32, their mean in float64.</remarks>
internal static class BlockInfluence
{
    /// <summary>The block influence of every layer, all layers in place.</summary>
    /// <param name="spec">The model's shape, whose stream has one width.</param>
    /// <param name="weights">Its tensors by canonical name.</param>
    /// <param name="stream">The stream before the first layer.</param>
    /// <param name="progress">Told the fraction done, in [0, 1].</param>
    /// <returns>One number a layer, in [0, 2].</returns>
    public static double[] OfLayers(ModelSpec spec, IReadOnlyDictionary<string, StoredTensor> weights,
        ResidualStream stream, Action<double>? progress)
    {
        var influence = new double[spec.Layers.Count];
        for (int layer = 0; layer < influence.Length; layer++)
        {
            using TorchDecoderLayer module = TorchDecoderLayer.Load(spec, layer, weights, ScalarType.Float32);
            double sum = 0;
            stream.Update(before =>
            {
                Tensor after = module.forward(before);
                Tensor norms = before.square().sum(-1).mul(after.square().sum(-1)).sqrt();
                Tensor cosine = before.mul(after).sum(-1).div(norms);
                sum += cosine.to_type(ScalarType.Float64).sum().ToDouble();
                return after;
            });
            influence[layer] = 1 - sum / stream.Tokens;
            progress?.Invoke((layer + 1.0) / influence.Length);
        }

        return influence;
    }
}
