using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using ML.Pruning.Inference;
using ML.Pruning.Models;

namespace ML.Pruning.Chat;

/// <summary>Registers a language model with dependency injection.</summary>
public static class LanguageModelServices
{
    /// <summary>Registers an <see cref="IChatClient"/> over a model, as a singleton that is made when it is first asked
    /// for.</summary>
    /// <param name="services">The services.</param>
    /// <param name="open">Opens the model, which the client owns.</param>
    /// <param name="defaults">How to generate where a call says nothing; null = the defaults.</param>
    /// <param name="serviceKey">Key to register it under; null = without.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddLlmChatClient(this IServiceCollection services,
        Func<IServiceProvider, LanguageModel> open, GenerationOptions? defaults = null, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(open);
        return services.AddKeyedSingleton<IChatClient>(
            serviceKey, (provider, _) => new LanguageModelChatClient(open(provider), defaults, ownsModel: true));
    }

    /// <summary>Registers an embedding generator over a model, as a singleton that is made when it is first asked
    /// for.</summary>
    /// <param name="services">The services.</param>
    /// <param name="open">Opens the model, which the generator owns.</param>
    /// <param name="options">How texts become vectors; null = the defaults.</param>
    /// <param name="serviceKey">Key to register it under; null = without.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddLlmEmbeddingGenerator(this IServiceCollection services,
        Func<IServiceProvider, LanguageModel> open, EmbeddingOptions? options = null, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(open);
        return services.AddKeyedSingleton<IEmbeddingGenerator<string, Embedding<float>>>(
            serviceKey, (provider, _) => new LanguageModelEmbeddingGenerator(open(provider), options, ownsModel: true));
    }
}
