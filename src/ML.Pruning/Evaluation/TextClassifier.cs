using System.Numerics.Tensors;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Evaluation;

/// <summary>Tells which label texts have, with an encoder that has such a head.</summary>
public static class TextClassifier
{
    /// <summary>Classifies a batch of texts.</summary>
    /// <remarks>Each text is encoded in data mode with the tokenizer's special tokens around it, cut at the model's
    /// context. Probabilities are the softmax of the scores.</remarks>
    /// <param name="model">The model, with tokenizer.</param>
    /// <param name="texts">The texts, at least one; they may be empty.</param>
    /// <param name="engine">What runs the model.</param>
    /// <returns>One result a text.</returns>
    /// <exception cref="NotSupportedException">The model does not tell labels apart.</exception>
    /// <exception cref="InvalidOperationException">The model lacks weights or tokenizer, or its output is not
    /// finite.</exception>
    public static TextClass[] Classify(
        LanguageModel model, IReadOnlyList<string> texts, EngineKind engine = EngineKind.Auto)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(texts);
        if (model.Spec.Encoder is not { IsClassifier: true } encoder)
        {
            throw new NotSupportedException($"This {model.Spec.Family} model does not tell labels apart; take an "
                + "encoder with a head for sequence classification.");
        }

        HuggingFaceTokenizer tokenizer = model.RequireTokenizer();
        (IReadOnlyList<int> Ids, int CutOff)[] encoded =
            [.. texts.Select(text => tokenizer.EncodeWhole(text, model.Spec.ContextLength))];
        int[] lengths = [.. encoded.Select(e => e.Ids.Count)];
        int length = lengths.Max(), labels = encoder.Labels.Count;
        if (lengths.Min() == 0)
        {
            throw new InvalidOperationException("A text has no tokens, and the tokenizer puts none around it; an "
                + "encoder's tokenizer has a post_processor.");
        }

        var tokens = new int[texts.Count * length];
        Array.Fill(tokens, encoder.PadTokenId);
        for (int i = 0; i < encoded.Length; i++)
            for (int t = 0; t < lengths[i]; t++) tokens[i * length + t] = encoded[i].Ids[t];
        var scores = new float[texts.Count * labels];
        EngineFactory.Get(model, engine).LabelScores(tokens, lengths, scores);
        return [.. encoded.Select((e, i) => Class(encoder, scores.AsSpan(i * labels, labels), e.CutOff))];
    }

    private static TextClass Class(EncoderSpec encoder, ReadOnlySpan<float> scores, int cutOff)
    {
        var probabilities = new float[scores.Length];
        TensorPrimitives.Subtract(scores, TensorPrimitives.Max(scores), probabilities);
        TensorPrimitives.SoftMax(probabilities, probabilities);
        if (!float.IsFinite(TensorPrimitives.Sum<float>(probabilities)))
        {
            throw new InvalidOperationException("The scores of the labels are not finite; the model's weights are "
                + "damaged or overflow the type that they are computed in.");
        }

        int best = TensorPrimitives.IndexOfMax<float>(probabilities);
        return new TextClass(encoder.Labels[best], best, probabilities, cutOff);
    }
}
