using System.Numerics.Tensors;
using ML.Pruning.Models;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Inference;

/// <summary>Turns texts into vectors: the states that the model's head sees, pooled.</summary>
/// <remarks>
/// <para>v = mean (or last) over the text's tokens of norm(h), where h are the states after the last layer. BOS is put
/// before the text and not pooled, because decoders park attention there (Xiao et al. 2023, arXiv:2309.17453), which
/// would drown the rest. Of an encoder the states after the last layer are pooled, those of [CLS] and [SEP] among them
/// (Reimers and Gurevych 2019, arXiv:1908.10084). The text is cut at the model's context; without tokens the vector is
/// zero.</para>
/// <para>Thread-safe.</para>
/// </remarks>
public static class TextEmbedder
{
    /// <summary>Embeds a batch of texts, padded to the longest.</summary>
    /// <param name="model">The model, with tokenizer.</param>
    /// <param name="texts">The texts; special tokens written in them are text.</param>
    /// <param name="options">How; null = the defaults.</param>
    /// <returns>For each text the vector [hidden] and the number of its tokens, without BOS.</returns>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer or no weights.</exception>
    public static IReadOnlyList<(float[] Vector, int Tokens)> Embed(
        LanguageModel model, IReadOnlyList<string> texts, EmbeddingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(texts);
        options ??= new EmbeddingOptions();
        options.Validate();
        HuggingFaceTokenizer tokenizer = model.RequireTokenizer();
        int bos = model.Spec.BosTokenId is null ? 0 : 1, width = model.Spec.HiddenSize;
        int[][] sequences = [.. texts.Select(text => model.Spec.Encoder is null
            ? Sequence(model.Spec, tokenizer.EncodeData(text))
            : [.. tokenizer.EncodeWhole(text, model.Spec.ContextLength).Ids])];
        int length = sequences.Length == 0 ? 0 : sequences.Max(s => s.Length);
        if (length <= bos) return [.. sequences.Select(_ => (new float[width], 0))];

        var tokens = new int[sequences.Length * length];
        for (int i = 0; i < sequences.Length; i++) sequences[i].CopyTo(tokens, i * length);
        var states = new float[tokens.Length * width];
        ILanguageModelEngine engine = EngineFactory.Get(model, options.Engine);
        using LlmTelemetry.Operation operation = EngineFactory.StartOperation("embed", model, engine);
        operation.Tokens("input", sequences.Sum(s => (long)s.Length));
        int[] lengths = model.Spec.Encoder is null ? [] : [.. sequences.Select(s => s.Length)];
        engine.HiddenStates(tokens, sequences.Length, states, lengths);
        operation.Complete();
        var vectors = new List<(float[], int)>(sequences.Length);
        for (int i = 0; i < sequences.Length; i++)
        {
            int count = sequences[i].Length - bos;
            ReadOnlySpan<float> own = states.AsSpan((i * length + bos) * width, Math.Max(count, 0) * width);
            vectors.Add((Pool(own, width, options), count));
        }

        return vectors;
    }

    private static int[] Sequence(ModelSpec spec, IReadOnlyList<int> tokens)
    {
        IEnumerable<int> whole = spec.BosTokenId is { } bos ? tokens.Prepend(bos) : tokens;
        return [.. whole.Take(spec.ContextLength)];
    }

    private static float[] Pool(ReadOnlySpan<float> states, int width, EmbeddingOptions options)
    {
        var vector = new float[width];
        int count = states.Length / width;
        if (count == 0) return vector;
        if (options.Pooling == TextPooling.Last) states[^width..].CopyTo(vector);
        for (int i = 0; options.Pooling == TextPooling.Mean && i < count; i++)
            TensorPrimitives.Add(vector, states.Slice(i * width, width), vector);
        if (options.Pooling == TextPooling.Mean) TensorPrimitives.Divide(vector, count, vector);
        float norm = options.Normalize ? TensorPrimitives.Norm<float>(vector) : 0;
        if (norm > 0) TensorPrimitives.Divide(vector, norm, vector);
        return vector;
    }
}
