using ML.Pruning.Inference.Onnx;
using ML.Pruning.Models;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Inference.Onnx;

/// <summary>Sequences of different lengths that take a token each in one run.</summary>
[TestClass]
public sealed class OnnxBatchTests
{
    private static readonly ModelSpec s_spec = RandomModel.Llama with
    {
        HiddenSize = 64,
        ContextLength = 200,
        Layers = [RandomModel.Layer(4, 2, 16, 96), RandomModel.Layer(4, 4, 16, 80)],
    };

    [TestMethod]
    public void Append_SequencesOfDifferentLengths_GiveWhatEachGivesAlone()
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        using var engine = new OnnxEngine(model);
        int[] lengths = [5, 60, 17];
        int vocabulary = s_spec.VocabularySize;
        IDecodingSession[] together = [.. lengths.Select(_ => engine.StartDecoding())];
        IDecodingSession[] alone = [.. lengths.Select(_ => engine.StartDecoding())];
        float[] batch = new float[3 * vocabulary], single = new float[vocabulary];
        int[][] prompts = [.. lengths.Select((length, i) => RandomModel.Tokens(s_spec, length, seed: i))];
        engine.Append(together, [.. prompts.Select(prompt => (ReadOnlyMemory<int>)prompt)], batch);
        for (int i = 0; i < 3; i++) alone[i].Append(prompts[i], single);

        // 100 steps outgrow the first buffers; sequence 1 goes on alone now and then, and sequence 0 ends early.
        for (int step = 0; step < 100; step++)
        {
            int[] active = step < 70 ? [0, 1, 2] : [1, 2];
            int[] next = [.. active.Select(i => (step * 7 + i * 3) % vocabulary)];
            Span<float> logits = batch.AsSpan(0, active.Length * vocabulary);
            engine.Append([.. active.Select(i => together[i])],
                [.. next.Select(token => (ReadOnlyMemory<int>)new[] { token })], logits);
            for (int row = 0; row < active.Length; row++)
            {
                alone[active[row]].Append([next[row]], single);
                AssertClose(single, logits.Slice(row * vocabulary, vocabulary), $"step {step}, sequence {active[row]}");
            }

            if (step % 30 != 20) continue;
            together[1].Append([3], batch.AsSpan(0, vocabulary));
            alone[1].Append([3], single);
            AssertClose(single, batch.AsSpan(0, vocabulary), $"step {step}, sequence 1 alone");
        }

        Assert.AreEqual(60 + 103, together[1].Length);
        foreach (IDecodingSession session in together.Concat(alone)) session.Dispose();
    }

    // Layers with fused attention, without (its head size, sliding windows, ALiBi), and both in one model.
    public static Dictionary<string, ModelSpec> Kinds { get; } = new()
    {
        ["fused"] = s_spec,
        ["standard"] = s_spec with { Layers = [RandomModel.Layer(4, 2, 12, 96), RandomModel.Layer(4, 4, 12, 80)] },
        ["mixed"] = s_spec with { Layers = [RandomModel.Layer(4, 2, 16, 96), RandomModel.Layer(4, 4, 12, 80)] },
        ["window"] = s_spec with { SlidingWindow = 20 },
        ["alibi"] = s_spec with
        {
            Positions = PositionKind.Alibi,
            Layers = [.. s_spec.Layers.Select(layer => layer with { AlibiSlopes = HeadSlopes.Standard(4) })],
        },
    };

    public static IEnumerable<string> KindNames => Kinds.Keys;

    [TestMethod]
    [DynamicData(nameof(KindNames))]
    public void Append_PromptsOfAllLengths_GiveWhatEachGivesAlone(string kind)
    {
        ModelSpec spec = Kinds[kind] with { ContextLength = 600 };
        using LanguageModel model = RandomModel.Create(spec);
        using var engine = new OnnxEngine(model);

        // Some run together, some in chunks, one has a beginning, and one has a single token.
        int[] lengths = [7, 1, 300, 255, 9, 130, 12, 250, 200, 257];
        int vocabulary = spec.VocabularySize;
        ReadOnlyMemory<int>[] prompts =
            [.. lengths.Select((length, i) => (ReadOnlyMemory<int>)RandomModel.Tokens(spec, length, seed: i))];
        IDecodingSession[] together = [.. lengths.Select(_ => engine.StartDecoding())];
        float[] batch = new float[lengths.Length * vocabulary], single = new float[vocabulary];
        together[4].Append([5, 6, 7], single);

        engine.Append(together, prompts, batch);
        for (int turn = 0; turn < 3; turn++)
        {
            for (int i = 0; i < lengths.Length; i++)
            {
                using IDecodingSession alone = engine.StartDecoding();
                int[] begin = i == 4 ? [5, 6, 7] : [];
                alone.Append([.. begin, .. prompts[i].Span, .. Enumerable.Repeat(3, turn)], single);
                AssertClose(single, batch.AsSpan(i * vocabulary, vocabulary), $"turn {turn}, sequence {i}");
                Assert.AreEqual(alone.Length, together[i].Length);
            }

            engine.Append(together, [.. lengths.Select(_ => (ReadOnlyMemory<int>)new[] { 3 })], batch);
        }

        foreach (IDecodingSession session in together) session.Dispose();
    }

    [TestMethod]
    public void Append_PromptsWithoutFusedAttention_StartInOneRun()
    {
        using LanguageModel model = RandomModel.Create(Kinds["standard"]);
        using var profile = new OnnxProfile();
        using var engine = new OnnxEngine(model, profile: profile);
        const int Sequences = 4;
        IDecodingSession[] sessions = [.. Enumerable.Range(0, Sequences).Select(_ => engine.StartDecoding())];

        engine.Append(sessions, [.. Enumerable.Range(0, Sequences).Select(
            i => (ReadOnlyMemory<int>)RandomModel.Tokens(s_spec, 20 + i, seed: i))],
            new float[Sequences * s_spec.VocabularySize]);

        // There is no second run.
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => engine.Decoder.EndProfile(..2));
        foreach (IDecodingSession session in sessions) session.Dispose();
    }

    [TestMethod]
    public void Append_UpToTheExpectedTokens_KeepsKeysAndValuesWhereTheyAre()
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        using var engine = new OnnxEngine(model);
        using var session = (OnnxDecodingSession)engine.StartDecoding(expectedTokens: 150);
        var logits = new float[s_spec.VocabularySize];
        session.Append(RandomModel.Tokens(s_spec, 10), logits);
        CacheMemory memory = session.Caches[0].Keys.Memory!;
        for (int length = 10; length < 150; length++) session.Append([length % 40], logits);
        Assert.AreSame(memory, session.Caches[0].Keys.Memory);
        session.Append([1], logits); // more are possible
        Assert.AreNotSame(memory, session.Caches[0].Keys.Memory);
    }

    [TestMethod]
    public void Append_SessionOfAnotherEngine_IsRefused()
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        using OnnxEngine engine = new(model), other = new(model);
        using IDecodingSession mine = engine.StartDecoding(), foreign = other.StartDecoding();
        var logits = new float[2 * s_spec.VocabularySize];

        Assert.ThrowsExactly<ArgumentException>(
            () => engine.Append([mine, foreign], [new[] { 1 }, new[] { 1 }], logits));
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> found, string what)
    {
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], found[i], 1e-4f, what);
    }
}
