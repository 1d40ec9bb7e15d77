using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Chat;

/// <summary>A language model, pruned or not, as the <see cref="IChatClient"/> of Microsoft.Extensions.AI.</summary>
/// <remarks>
/// <para>The messages become a prompt by the model's chat template, in which special tokens are recognised, also where
/// a message contains them. Every call sees only its own messages. The answer ends at the model's stop tokens
/// (config.json, generation_config.json and the tokenizer's EOS).</para>
/// <para>Of the options count Instructions, Temperature, TopP, TopK, MaxOutputTokens, StopSequences and Seed, and of
/// the additional properties <c>min_p</c> and <c>repetition_penalty</c>; what is left out comes from the client's
/// defaults. Tools, JSON formats and the penalties for frequency and presence are refused.</para>
/// <para>Thread-safe. Dispose disposes the model only where the client owns it.</para>
/// </remarks>
public sealed class LanguageModelChatClient : IChatClient
{
    private const string Provider = "ml.pruning";

    private readonly LanguageModel _model;
    private readonly HuggingFaceTokenizer _tokenizer;
    private readonly ChatTemplate _template;
    private readonly GenerationOptions _defaults;
    private readonly ChatClientMetadata _metadata;
    private readonly bool _ownsModel;

    /// <summary>Creates a client.</summary>
    /// <param name="model">The model, with weights and tokenizer.</param>
    /// <param name="defaults">How to generate where the options of a call say nothing; null = the defaults, which are
    /// greedy. Without StopTokenIds the model's own end an answer.</param>
    /// <param name="template">The chat template; null = the model's own.</param>
    /// <param name="modelId">Name of the model in responses; null = its family.</param>
    /// <param name="ownsModel">Whether the client disposes the model.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer, or no chat template and none is
    /// given.</exception>
    /// <exception cref="Templates.ChatTemplateException">The model's template cannot be used.</exception>
    public LanguageModelChatClient(LanguageModel model, GenerationOptions? defaults = null,
        ChatTemplate? template = null, string? modelId = null, bool ownsModel = false)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        _tokenizer = model.RequireTokenizer();
        _template = template ?? ChatTemplate.Read(
            _tokenizer.TokenizerConfigJson.Span, model.SideFiles.GetValueOrDefault("chat_template.jinja"))
            ?? throw new InvalidOperationException("The model has no chat template (tokenizer_config.json has no "
                + "'chat_template', and there is no chat_template.jinja); give one with ChatTemplate.Parse.");
        defaults ??= new GenerationOptions();
        _defaults = defaults with { StopTokenIds = defaults.StopTokenIds ?? StopTokens() };
        _defaults.Validate(model.Spec);
        _metadata = new ChatClientMetadata(Provider, defaultModelId: modelId ?? model.Spec.Family);
        _ownsModel = ownsModel;
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">An option or a kind of content is not supported; the message names
    /// it.</exception>
    /// <exception cref="ArgumentException">There is no message, or an option is out of range.</exception>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        CancellationToken cancellationToken = default) =>
        await GetStreamingResponseAsync(messages, options, cancellationToken)
            .ToChatResponseAsync(cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">An option or a kind of content is not supported; the message names
    /// it.</exception>
    /// <exception cref="ArgumentException">There is no message, or an option is out of range.</exception>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages,
        ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        GenerationOptions generation = ChatGeneration.From(options, _defaults);
        int[] prompt = Encode(_template.Render(ChatGeneration.Messages(messages, options?.Instructions)));
        return StreamAsync(new TextGenerator(_model, generation), prompt, options?.ModelId, cancellationToken);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        return new object[] { this, _metadata, _model, _template }.FirstOrDefault(serviceType.IsInstanceOfType);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsModel) _model.Dispose();
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        TextGenerator generator, int[] prompt, string? modelId,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string id = Guid.NewGuid().ToString("N");
        (Continuation continuation, IAsyncEnumerable<string> pieces) = generator.Continue(prompt, cancellationToken);
        await foreach (string piece in pieces.ConfigureAwait(false)) yield return Update(new TextContent(piece));

        ChatResponseUpdate last = Update(new UsageContent(new UsageDetails
        {
            InputTokenCount = prompt.Length,
            OutputTokenCount = continuation.NewTokens.Count,
            TotalTokenCount = prompt.Length + continuation.NewTokens.Count,
        }));
        last.FinishReason = continuation.Reason is StopReason.MaxTokens or StopReason.ContextFull
            ? ChatFinishReason.Length
            : ChatFinishReason.Stop;
        yield return last;

        ChatResponseUpdate Update(AIContent content) => new(ChatRole.Assistant, [content])
        {
            ResponseId = id,
            MessageId = id,
            ModelId = modelId ?? _metadata.DefaultModelId,
            CreatedAt = DateTimeOffset.UtcNow,
        };
    }

    private int[] Encode(string prompt)
    {
        int[] tokens = [.. _tokenizer.EncodePrompt(prompt)];
        if (tokens.Length == 0)
            throw new ArgumentException("The chat template makes an empty prompt of these messages.");
        if (tokens.Length > _model.Spec.ContextLength)
        {
            throw new ArgumentException($"The chat has {tokens.Length} tokens; the model's context is "
                + $"{_model.Spec.ContextLength}. Leave earlier messages out.");
        }

        return tokens;
    }

    private List<int> StopTokens()
    {
        HashSet<int> stop = [.. _model.Spec.EosTokenIds];
        if (_tokenizer.EosTokenId is { } eos) stop.Add(eos);
        if (_model.SideFiles.TryGetValue("generation_config.json", out byte[]? file))
        {
            JsonNode? ids = ReadGenerationConfig(file)["eos_token_id"];
            foreach (JsonNode? id in ids as JsonArray ?? [ids?.DeepClone()])
                if (id is JsonValue value && value.TryGetValue(out int token)) stop.Add(token);
        }

        return [.. stop.Where(id => id >= 0 && id < _model.Spec.VocabularySize).Order()];
    }

    private static JsonObject ReadGenerationConfig(byte[] file)
    {
        try
        {
            return JsonNode.Parse(file) as JsonObject ?? [];
        }
        catch (JsonException e)
        {
            throw new ModelFormatException($"generation_config.json is no JSON: {e.Message}", e);
        }
    }
}
