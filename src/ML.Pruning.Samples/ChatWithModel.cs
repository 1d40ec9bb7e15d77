using Microsoft.Extensions.AI;
using ML.Pruning.Chat;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Transforms;

namespace ML.Pruning.Samples;

/// <summary>Talks to a model, and compares texts by it, through the interfaces of Microsoft.Extensions.AI.</summary>
public static class ChatWithModel
{
    /// <summary>Runs the sample.</summary>
    /// <param name="modelFolder">A Hugging Face folder.</param>
    public static void Example(string modelFolder) => RunAsync(modelFolder).GetAwaiter().GetResult();

    private static async Task RunAsync(string modelFolder)
    {
        using LanguageModel model = LanguageModelSource.Open(modelFolder);

        // A chat model brings its template in tokenizer_config.json; this one only tells stories, so it is given one.
        ChatTemplate template = ChatTemplate.Parse(
            "{{ bos_token }}{% for message in messages %}{{ message.content | trim }}{% endfor %}", bosToken: "<s>");
        using IChatClient client = new LanguageModelChatClient(
            model, new GenerationOptions { MaxNewTokens = 24 }, template, modelId: "stories");
        ChatResponse response = await client.GetResponseAsync(
            "One day Mina went", new ChatOptions { StopSequences = ["."] });
        Console.WriteLine($"{response.Text} ({response.FinishReason}, {response.Usage!.OutputTokenCount} tokens)");

        // The same, piece by piece.
        int pieces = 0;
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("Once there was"))
            if (update.Text.Length > 0) pieces++;
        Console.WriteLine($"{pieces} pieces");

        // Texts as vectors: those that say alike are closer.
        using var generator = new LanguageModelEmbeddingGenerator(model);
        GeneratedEmbeddings<Embedding<float>> vectors = await generator.GenerateAsync(
            ["Mina had a red kite.", "Mina had a green hat.", "The wind was strong."]);
        Console.WriteLine($"similar {Cosine(vectors[0], vectors[1]):F2}, other {Cosine(vectors[0], vectors[2]):F2}");
    }

    private static float Cosine(Embedding<float> a, Embedding<float> b) =>
        System.Numerics.Tensors.TensorPrimitives.CosineSimilarity(a.Vector.Span, b.Vector.Span);
}

// Expected output for the embedded model:
//  to the harbour (stop, 7 tokens)
// 24 pieces
// similar 0.76, other 0.37
