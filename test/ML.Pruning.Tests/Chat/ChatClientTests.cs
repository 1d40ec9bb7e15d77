using System.Text;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using ML.Pruning.Chat;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Chat;

/// <summary>The chat client, over a model that continues a known text: after a prompt of n bytes it says the text's
/// byte n and on.</summary>
[TestClass]
public sealed class ChatClientTests
{
    private const string Template =
        "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[a]";
    private const string Prompt = "[user]Hi[a]";
    private static readonly ChatTemplate s_template = ChatTemplate.Parse(Template, "<s>", "</s>");

    [TestMethod]
    public async Task GetResponse_Message_IsContinuedAfterTheTemplatesPrompt()
    {
        using LanguageModel model = ScriptedModel.Create(Prompt + "Grüße 🐻!");
        using var client = new LanguageModelChatClient(model, template: s_template, modelId: "scripted");
        ChatResponse response = await client.GetResponseAsync("Hi");

        Assert.AreEqual("Grüße 🐻!", response.Text);
        Assert.AreEqual(ChatRole.Assistant, response.Messages.Single().Role);
        Assert.AreEqual(ChatFinishReason.Stop, response.FinishReason);
        Assert.AreEqual("scripted", response.ModelId);
        Assert.IsFalse(string.IsNullOrEmpty(response.ResponseId));
        int answer = Encoding.UTF8.GetByteCount("Grüße 🐻!");
        Assert.AreEqual(Prompt.Length + 1, response.Usage!.InputTokenCount);
        Assert.AreEqual(answer, response.Usage.OutputTokenCount);
        Assert.AreEqual(Prompt.Length + 1 + answer, response.Usage.TotalTokenCount);
    }

    [TestMethod]
    public async Task GetStreamingResponse_Pieces_ComeOneByOneWithUsageLast()
    {
        using LanguageModel model = ScriptedModel.Create(Prompt + "abc");
        using var client = new LanguageModelChatClient(model, template: s_template);
        var updates = new List<ChatResponseUpdate>();
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("Hi")) updates.Add(update);

        CollectionAssert.AreEqual(new[] { "a", "b", "c", "" }, updates.Select(u => u.Text).ToArray());
        Assert.HasCount(1, updates.Select(u => u.ResponseId).Distinct().ToArray());
        Assert.AreEqual(ChatFinishReason.Stop, updates[^1].FinishReason);
        Assert.AreEqual(3, updates[^1].Contents.OfType<UsageContent>().Single().Details.OutputTokenCount);
    }

    [TestMethod]
    public async Task GetResponse_Options_AreHeeded()
    {
        using LanguageModel model = ScriptedModel.Create("[system]Short.[user]Hi[a]one two three");
        using var client = new LanguageModelChatClient(model, template: s_template);
        ChatResponse stopped = await client.GetResponseAsync(
            "Hi", new ChatOptions { Instructions = "Short.", StopSequences = [" three"], ModelId = "mine" });
        Assert.AreEqual("one two", stopped.Text);
        Assert.AreEqual("mine", stopped.ModelId);
        Assert.AreEqual(ChatFinishReason.Stop, stopped.FinishReason);

        ChatResponse cut = await client.GetResponseAsync(
            "Hi", new ChatOptions { Instructions = "Short.", MaxOutputTokens = 3 });
        Assert.AreEqual("one", cut.Text);
        Assert.AreEqual(ChatFinishReason.Length, cut.FinishReason);
    }

    [TestMethod]
    public async Task GetResponse_Sampling_IsReproducibleBySeedAndTakesItsOptions()
    {
        using LanguageModel model = ScriptedModel.Create(Prompt + new string('x', 40));
        using var client = new LanguageModelChatClient(model, template: s_template);
        var options = new ChatOptions { Temperature = 2, Seed = 7, MaxOutputTokens = 12 };
        string first = (await client.GetResponseAsync("Hi", options)).Text;
        Assert.AreEqual(first, (await client.GetResponseAsync("Hi", options)).Text);
        options.Seed = 8;
        Assert.AreNotEqual(first, (await client.GetResponseAsync("Hi", options)).Text);

        // Among one token there is nothing to draw.
        options.TopK = 1;
        Assert.AreEqual(new string('x', 12), (await client.GetResponseAsync("Hi", options)).Text);
        options.TopK = null;
        options.AdditionalProperties = new AdditionalPropertiesDictionary { ["min_p"] = 1.0 };
        Assert.AreEqual(new string('x', 12), (await client.GetResponseAsync("Hi", options)).Text);
        options.Temperature = -1;
        await Assert.ThrowsAsync<ArgumentException>(() => client.GetResponseAsync("Hi", options));
    }

    [TestMethod]
    public async Task GetStreamingResponse_Cancelled_Stops()
    {
        using LanguageModel model = ScriptedModel.Create(Prompt + new string('x', 300));
        using var client = new LanguageModelChatClient(model, template: s_template);
        using var source = new CancellationTokenSource();
        int pieces = 0;
        await Assert.ThrowsAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate _ in client.GetStreamingResponseAsync(
                "Hi", cancellationToken: source.Token))
                if (++pieces == 3) await source.CancelAsync();
        });
        Assert.AreEqual(3, pieces);
    }

    [TestMethod]
    public async Task GetResponse_Unsupported_IsRefusedByName()
    {
        using LanguageModel model = ScriptedModel.Create(Prompt);
        using var client = new LanguageModelChatClient(model, template: s_template);
        var picture = new ChatMessage(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")]);
        var refused = await Assert.ThrowsExactlyAsync<NotSupportedException>(() => client.GetResponseAsync([picture]));
        StringAssert.Contains(refused.Message, nameof(DataContent));
        await Assert.ThrowsExactlyAsync<NotSupportedException>(
            () => client.GetResponseAsync("Hi", new ChatOptions { FrequencyPenalty = 1 }));
        await Assert.ThrowsExactlyAsync<NotSupportedException>(
            () => client.GetResponseAsync("Hi", new ChatOptions { ResponseFormat = ChatResponseFormat.Json }));
        await Assert.ThrowsExactlyAsync<ArgumentException>(() => client.GetResponseAsync([]));
        var tooLong = await Assert.ThrowsExactlyAsync<ArgumentException>(
            () => client.GetResponseAsync(new string('x', 1000)));
        StringAssert.Contains(tooLong.Message, "context");
        var none = Assert.ThrowsExactly<InvalidOperationException>(() => new LanguageModelChatClient(model));
        StringAssert.Contains(none.Message, "chat_template");
    }

    [TestMethod]
    public void GetService_KnownTypes_AreGiven()
    {
        using LanguageModel model = ScriptedModel.Create(Prompt);
        using var client = new LanguageModelChatClient(model, template: s_template, modelId: "scripted");
        Assert.AreEqual(
            "scripted", ((ChatClientMetadata)client.GetService(typeof(ChatClientMetadata))!).DefaultModelId);
        Assert.AreSame(model, client.GetService(typeof(LanguageModel)));
        Assert.AreSame(client, client.GetService(typeof(IChatClient)));
        Assert.IsNull(client.GetService(typeof(string)));
        Assert.IsNull(client.GetService(typeof(IChatClient), "key"));
    }

    [TestMethod]
    public async Task GetResponse_TemplateFileAndGenerationConfig_AreUsed()
    {
        using LanguageModel scripted = ScriptedModel.Create(Prompt + "ab");
        using var model = new LanguageModel(scripted.ToContent() with
        {
            SideFiles = new Dictionary<string, byte[]>
            {
                ["chat_template.jinja"] = Encoding.UTF8.GetBytes("{{ '[user]' + messages[0].content }}[a]"),
                ["generation_config.json"] = "{ \"eos_token_id\": [2, 101] }"u8.ToArray(),
            },
        });
        using var client = new LanguageModelChatClient(model);

        // This template writes no BOS, so the answer begins one byte earlier; 101 is 'b'.
        Assert.AreEqual("]a", (await client.GetResponseAsync("Hi")).Text);
    }

    [TestMethod]
    public async Task EmbeddingGenerator_Texts_GetTheirPooledStates()
    {
        using LanguageModel model = RandomModel.Create(TinyModel.Spec);
        using var tokenized = new LanguageModel(model.ToContent() with
        {
            Tokenizer = HuggingFaceTokenizer.Parse(Encoding.UTF8.GetBytes(TinyModel.ByteTokenizer())),
        });
        using var generator =
            new LanguageModelEmbeddingGenerator(tokenized, new EmbeddingOptions { Normalize = false });
        GeneratedEmbeddings<Embedding<float>> found = await generator.GenerateAsync(["ab", "", "a longer text"]);

        Assert.HasCount(3, found);
        Assert.AreEqual(2 + 13, found.Usage!.InputTokenCount);
        CollectionAssert.AreEqual(new float[16], found[1].Vector.ToArray());

        // The mean of the two tokens' states, from torch; the head of this model does not matter.
        int[] tokens = [1, 'a' + 3, 'b' + 3];
        var states = new float[3 * 16];
        EngineFactory.Get(tokenized, EngineKind.Torch).HiddenStates(tokens, 1, states);
        for (int i = 0; i < 16; i++)
            Assert.AreEqual((states[16 + i] + states[32 + i]) / 2, found[0].Vector.Span[i], 1e-5f);

        using var last = new LanguageModelEmbeddingGenerator(
            tokenized, new EmbeddingOptions { Pooling = TextPooling.Last });
        float[] vector = (await last.GenerateAsync(["ab"]))[0].Vector.ToArray();
        double norm = Math.Sqrt(Enumerable.Range(32, 16).Sum(i => states[i] * states[i]));
        for (int i = 0; i < 16; i++) Assert.AreEqual(states[32 + i] / norm, vector[i], 1e-5);
        await Assert.ThrowsExactlyAsync<ArgumentException>(
            () => last.GenerateAsync(["a"], new EmbeddingGenerationOptions { Dimensions = 3 }));
    }

    [TestMethod]
    public void HiddenStates_TimesTheHead_AreTheLogits()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        int[] tokens = RandomModel.Tokens(model.Spec, 24);
        int width = model.Spec.HiddenSize, vocabulary = model.Spec.VocabularySize;
        float[] head = model.Weights[model.Spec.TiedHead ? TensorNames.Embedding : TensorNames.Head].ToArray();
        foreach (EngineKind kind in new[] { EngineKind.Torch, EngineKind.Onnx })
        {
            ILanguageModelEngine engine = EngineFactory.Get(model, kind);
            var states = new float[24 * width];
            var logits = new float[24 * vocabulary];
            engine.HiddenStates(tokens, 2, states);
            engine.Logits(tokens, 2, logits);
            for (int t = 0; t < 24; t++)
            {
                for (int v = 0; v < vocabulary; v++)
                {
                    double sum = 0;
                    for (int i = 0; i < width; i++) sum += (double)states[t * width + i] * head[v * width + i];
                    Assert.AreEqual(sum, logits[t * vocabulary + v], 1e-4, $"{engine.Name}, token {t}");
                }
            }
        }
    }

    [TestMethod]
    public void AddLlmClients_Services_MakeThemOnce()
    {
        var services = new ServiceCollection();
        services.AddLlmChatClient(_ => throw new InvalidOperationException("opened"), serviceKey: "chat")
            .AddLlmEmbeddingGenerator(_ => RandomModel.Create(TinyModel.Spec));
        Assert.AreEqual(typeof(IChatClient), services[0].ServiceType);
        Assert.AreEqual("chat", services[0].ServiceKey);
        Assert.AreEqual(ServiceLifetime.Singleton, services[0].Lifetime);
        var opened = Assert.ThrowsExactly<InvalidOperationException>(
            () => services[0].KeyedImplementationFactory!(null!, "chat"));
        Assert.AreEqual("opened", opened.Message);
        Assert.IsFalse(services[1].IsKeyedService);
        Assert.AreEqual(typeof(IEmbeddingGenerator<string, Embedding<float>>), services[1].ServiceType);
    }
}
