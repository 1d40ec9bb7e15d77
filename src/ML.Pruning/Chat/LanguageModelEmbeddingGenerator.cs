using Microsoft.Extensions.AI;
using ML.Pruning.Inference;
using ML.Pruning.Models;

namespace ML.Pruning.Chat;

/// <summary>A language model, pruned or not, as the embedding generator of Microsoft.Extensions.AI.</summary>
/// <remarks>See <see cref="TextEmbedder"/> for what the vectors are. Thread-safe. Dispose disposes the model only where
/// the generator owns it.</remarks>
public sealed class LanguageModelEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private const string Provider = "ml.pruning";
    private const int BatchSize = 8;

    private readonly LanguageModel _model;
    private readonly EmbeddingOptions _options;
    private readonly EmbeddingGeneratorMetadata _metadata;
    private readonly bool _ownsModel;

    /// <summary>Creates a generator.</summary>
    /// <param name="model">The model, with weights and tokenizer.</param>
    /// <param name="options">How texts become vectors; null = the defaults: mean, normalised.</param>
    /// <param name="modelId">Name of the model in results; null = its family.</param>
    /// <param name="ownsModel">Whether the generator disposes the model.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public LanguageModelEmbeddingGenerator(
        LanguageModel model, EmbeddingOptions? options = null, string? modelId = null, bool ownsModel = false)
    {
        ArgumentNullException.ThrowIfNull(model);
        model.RequireTokenizer();
        _model = model;
        _options = options ?? new EmbeddingOptions();
        _options.Validate();
        _metadata = new EmbeddingGeneratorMetadata(
            Provider, defaultModelId: modelId ?? model.Spec.Family, defaultModelDimensions: model.Spec.HiddenSize);
        _ownsModel = ownsModel;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A text is null, or other dimensions are asked for than the model
    /// has.</exception>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values,
        EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        string[] texts = [.. values];
        if (texts.Contains(null)) throw new ArgumentException("A text is null.", nameof(values));
        if (options?.Dimensions is { } wanted && wanted != _model.Spec.HiddenSize)
        {
            throw new ArgumentException(
                $"{wanted} dimensions are asked for; this model has {_model.Spec.HiddenSize}. Leave them out.",
                nameof(options));
        }

        return Task.Run(() => Generate(texts, options?.ModelId ?? _metadata.DefaultModelId, cancellationToken),
            cancellationToken);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        return new object[] { this, _metadata, _model }.FirstOrDefault(serviceType.IsInstanceOfType);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsModel) _model.Dispose();
    }

    private GeneratedEmbeddings<Embedding<float>> Generate(
        string[] texts, string? modelId, CancellationToken cancellationToken)
    {
        var results = new GeneratedEmbeddings<Embedding<float>>(texts.Length);
        long tokens = 0;
        foreach (string[] batch in texts.Chunk(BatchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach ((float[] vector, int count) in TextEmbedder.Embed(_model, batch, _options))
            {
                results.Add(new Embedding<float>(vector) { ModelId = modelId, CreatedAt = DateTimeOffset.UtcNow });
                tokens += count;
            }
        }

        results.Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens };
        return results;
    }
}
