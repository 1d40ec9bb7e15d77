using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using ML.Pruning.Inference;

namespace ML.Pruning.Chat;

/// <summary>What the options and messages of Microsoft.Extensions.AI mean here.</summary>
internal static class ChatGeneration
{
    /// <summary>How to generate.</summary>
    /// <exception cref="NotSupportedException">An option is not supported.</exception>
    public static GenerationOptions From(ChatOptions? options, GenerationOptions defaults)
    {
        if (options is null) return defaults;
        Refuse(options.Tools is { Count: > 0 }, "tools");
        Refuse(options.ResponseFormat is ChatResponseFormatJson, "a JSON response format");
        Refuse(options.FrequencyPenalty is not (null or 0), "a frequency penalty (repetition_penalty is)");
        Refuse(options.PresencePenalty is not (null or 0), "a presence penalty (repetition_penalty is)");
        Refuse(options.ContinuationToken is not null, "going on from a continuation token");
        return defaults with
        {
            Temperature = options.Temperature ?? defaults.Temperature,
            TopP = options.TopP ?? defaults.TopP,
            TopK = options.TopK ?? defaults.TopK,
            MinP = Additional(options, "min_p") ?? defaults.MinP,
            RepetitionPenalty = Additional(options, "repetition_penalty") ?? defaults.RepetitionPenalty,
            MaxNewTokens = options.MaxOutputTokens ?? defaults.MaxNewTokens,
            StopSequences = options.StopSequences is { } stop ? [.. stop] : defaults.StopSequences,
            Seed = options.Seed is { } seed ? unchecked((int)seed) : defaults.Seed,
        };
    }

    /// <summary>The messages as a template reads them.</summary>
    /// <exception cref="NotSupportedException">A message has content that is no text.</exception>
    /// <exception cref="ArgumentException">There is no message.</exception>
    public static JsonArray Messages(IEnumerable<ChatMessage> messages, string? instructions)
    {
        var list = new JsonArray();
        if (!string.IsNullOrEmpty(instructions)) list.Add(Message(ChatRole.System.Value, instructions));
        int count = 0;
        foreach (ChatMessage message in messages)
        {
            count++;
            foreach (AIContent content in message.Contents)
            {
                Refuse(content is not (TextContent or TextReasoningContent or UsageContent),
                    $"content of the kind {content.GetType().Name}, in message {count},");
            }

            list.Add(Message(message.Role.Value, message.Text));
        }

        return count > 0 ? list : throw new ArgumentException("There is no message to answer.", nameof(messages));
    }

    private static JsonObject Message(string role, string text) => new() { ["role"] = role, ["content"] = text };

    private static double? Additional(ChatOptions options, string name) =>
        options.AdditionalProperties?.TryGetValue(name, out object? value) == true && value is not null
            ? Convert.ToDouble(value, CultureInfo.InvariantCulture)
            : null;

    private static void Refuse(bool condition, string what)
    {
        if (condition) throw new NotSupportedException($"The chat client does not support {what}; leave it out.");
    }
}
