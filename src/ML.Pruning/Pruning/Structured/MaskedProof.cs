using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Pruning.Structured;

/// <summary>Compares the smaller model with the big one in which everything that went is zero.</summary>
/// <remarks>Both run layer by layer in float32, so that no more than a layer of each is in memory. In the big one a
/// norm over the residual stream averages over the channels that are left: a channel that is gone counts neither as a
/// zero nor at all.</remarks>
internal static class MaskedProof
{
    /// <summary>Above this the two are not the same model.</summary>
    public const double Tolerance = 1e-5;

    private const int Tokens = 64;

    /// <summary>The largest difference of their logits, relative to the largest logit, on one sequence of random
    /// tokens.</summary>
    /// <param name="big">The weights of the model before.</param>
    /// <param name="cut">What went.</param>
    /// <param name="small">The smaller model.</param>
    /// <param name="cancellationToken">Checked before each layer.</param>
    public static double LargestDifference(IReadOnlyDictionary<string, StoredTensor> big, StructuralCut cut,
        LanguageModel small, CancellationToken cancellationToken)
    {
        var random = new Random(1);
        int[] tokens = [.. Enumerable.Range(0, Math.Min(Tokens, cut.Before.ContextLength))
            .Select(_ => random.Next(cut.Before.VocabularySize))];
        Dictionary<string, StoredTensor> masked = cut.Before.Parameters()
            .ToDictionary(p => p.Name, p => cut.Mask(p.Name, big[p.Name]), StringComparer.Ordinal);
        int[]? channels = cut.After.HiddenSize == cut.Before.HiddenSize ? null : [.. cut.Kept.Channels];
        float[] expected = Logits(cut.Before, masked, cut.Kept.LayerIndices, channels, tokens, cancellationToken);
        float[] actual = Logits(cut.After, small.Weights, [.. Enumerable.Range(0, cut.After.Layers.Count)], null,
            tokens, cancellationToken);
        float largest = 0, difference = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(expected[i]));
            difference = Math.Max(difference, Math.Abs(expected[i] - actual[i]));
        }

        return largest > 0 ? difference / largest : difference;
    }

    private static float[] Logits(ModelSpec spec, IReadOnlyDictionary<string, StoredTensor> weights,
        IReadOnlyList<int> layers, int[]? channels, int[] tokens, CancellationToken cancellationToken)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden;
        using (TorchEmbedding embedding = TorchEmbedding.Load(spec, weights, ScalarType.Float32))
        {
            if (embedding.Norm is not null) embedding.Norm.Channels = channels;
            hidden = embedding.Forward(TorchWeights.ToTokens(tokens, 1));
        }

        foreach (int layer in layers)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using TorchDecoderLayer module = TorchDecoderLayer.Load(spec, layer, weights, ScalarType.Float32);
            foreach ((string name, nn.Module part) in module.named_modules())
            {
                if (part is TorchNorm norm && !name.StartsWith("self_attn.", StringComparison.Ordinal))
                    norm.Channels = channels;
            }

            hidden = module.forward(hidden);
        }

        Tensor result = End(spec, weights, channels, hidden);
        var logits = new float[result.numel()];
        TorchWeights.CopyTo(result, logits);
        return logits;
    }

    // Logits of tokens or labels; of an encoder without a head the states themselves.
    private static Tensor End(
        ModelSpec spec, IReadOnlyDictionary<string, StoredTensor> weights, int[]? channels, Tensor hidden)
    {
        if (spec.PredictsTokens)
        {
            using TorchHead head = TorchHead.Load(spec, weights, ScalarType.Float32, embedding: null);
            head.Norm.Channels = channels;
            return head.Forward(hidden);
        }

        using TorchClassifier? classifier = TorchClassifier.Load(spec, weights, ScalarType.Float32);
        return classifier?.Labels is null ? hidden : classifier.Forward(hidden);
    }
}
