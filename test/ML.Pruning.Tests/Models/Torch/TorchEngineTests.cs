using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Tests.TestKit;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Models.Torch;

/// <summary>Oracle: <see cref="Float64Decoder"/>. Properties: cache, padding, batching, repetition, memory.</summary>
[TestClass]
public sealed class TorchEngineTests
{
    private static readonly Dictionary<string, ModelSpec> s_specs = new()
    {
        ["llama"] = RandomModel.Llama,
        ["tied"] = RandomModel.Llama with { TiedHead = true },
        ["no grouping"] = RandomModel.Llama with { Layers = [RandomModel.Layer(4, 4, 4, 24)] },
        ["one key/value head"] = RandomModel.Llama with { Layers = [RandomModel.Layer(6, 1, 2, 24)] },
        ["biases"] = RandomModel.Llama with { QueryKeyValueBias = true, OutputBias = true, MlpBias = true },
        ["query bias only"] = RandomModel.Llama with { QueryKeyValueBias = true },
        ["gpt2"] = RandomModel.Llama with
        {
            Norm = NormKind.LayerNorm,
            Positions = PositionKind.Learned,
            Activation = ActivationKind.GeluTanh,
            GatedMlp = false,
            QueryKeyValueBias = true,
            OutputBias = true,
            MlpBias = true,
            TiedHead = true,
        },
        ["opt"] = RandomModel.Llama with
        {
            Norm = NormKind.LayerNorm,
            Positions = PositionKind.Learned,
            PositionOffset = 2,
            Activation = ActivationKind.Relu,
            GatedMlp = false,
        },
        ["gelu"] = RandomModel.Llama with { Activation = ActivationKind.Gelu },
        ["gated gelu tanh"] = RandomModel.Llama with { Activation = ActivationKind.GeluTanh },
        ["layer shapes"] = RandomModel.Llama with
        {
            Layers = [RandomModel.Layer(4, 2, 4, 24), RandomModel.Layer(3, 1, 6, 7), RandomModel.Layer(1, 1, 2, 1)],
        },
        ["window"] = RandomModel.Llama with { SlidingWindow = 5 },
        ["window of one"] = RandomModel.Llama with { SlidingWindow = 1 },
        ["linear scaling"] = RandomModel.Llama with
        {
            RopeScaling = new RopeScaling { Kind = RopeScalingKind.Linear, Factor = 3 },
        },
        ["llama3 scaling"] = RandomModel.Llama with
        {
            Layers = [RandomModel.Layer(2, 1, 16, 24)],
            RopeTheta = 100,
            RopeScaling = new RopeScaling
            {
                Kind = RopeScalingKind.Llama3,
                Factor = 8,
                LowFrequencyFactor = 1,
                HighFrequencyFactor = 4,
                OriginalContextLength = 32,
            },
        },
        ["epsilon"] = RandomModel.Llama with { NormEpsilon = 0.3 },
        ["blocks of queries"] = RandomModel.Llama with
        {
            ContextLength = 600,
            Layers = [RandomModel.Layer(8, 2, 2, 4)],
        },
    };

    public static IEnumerable<object[]> Specs => s_specs.Keys.Select(name => new object[] { name });

    [TestMethod]
    [DynamicData(nameof(Specs))]
    public void Logits_RandomModel_EqualFloat64Decoder(string name)
    {
        ModelSpec spec = s_specs[name];
        using LanguageModel model = RandomModel.Create(spec);
        using var engine = new TorchEngine(model);
        int[] tokens = RandomModel.Tokens(spec, spec.ContextLength);
        double error = new Float64Decoder(model).RelativeError(tokens, Logits(engine, spec, tokens));
        Assert.IsLessThan(1e-5, error);
    }

    [TestMethod]
    [DataRow(TensorType.F16)]
    [DataRow(TensorType.BF16)]
    public void Logits_WeightsOf16Bits_EqualFloat64DecoderOnTheRoundedWeights(TensorType type)
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama, type: type);
        using var engine = new TorchEngine(model);
        int[] tokens = RandomModel.Tokens(model.Spec, 20);
        double error = new Float64Decoder(model).RelativeError(tokens, Logits(engine, model.Spec, tokens));
        Assert.IsLessThan(1e-5, error);
    }

    [TestMethod]
    public void Logits_ComputedInFloat64_EqualFloat64DecoderTo12Digits()
    {
        using LanguageModel model = RandomModel.Create(s_specs["gpt2"]);
        using var decoder = TorchDecoder.Load(model, ScalarType.Float64);
        int[] tokens = RandomModel.Tokens(model.Spec, 20);
        using var scope = NewDisposeScope();
        var logits = new double[tokens.Length * model.Spec.VocabularySize];
        TorchWeights.CopyTo(decoder.forward(TorchWeights.ToTokens(tokens, 1)), logits);
        double[] expected = [.. new Float64Decoder(model).Logits(tokens).SelectMany(row => row)];
        double error = logits.Zip(expected, (a, b) => Math.Abs(a - b)).Max() / expected.Max(Math.Abs);
        Assert.IsLessThan(1e-12, error);
    }

    [TestMethod]
    [DynamicData(nameof(Specs))]
    public void Append_InPiecesOfSeveralAndOneToken_EqualsLogitsOfWholeSequence(string name)
    {
        ModelSpec spec = s_specs[name];
        using LanguageModel model = RandomModel.Create(spec);
        using var engine = new TorchEngine(model);
        int[] tokens = RandomModel.Tokens(spec, Math.Min(spec.ContextLength, 150));
        float[] expected = Logits(engine, spec, tokens);
        using IDecodingSession session = engine.StartDecoding();
        var logits = new float[spec.VocabularySize];
        for (int start = 0; start < tokens.Length;)
        {
            int count = start == 0 ? 7 : start == 7 ? 10 : 1;
            session.Append(tokens.AsSpan(start, count), logits);
            start += count;
            Assert.AreEqual(start, session.Length);
            AssertClose(expected.AsSpan((start - 1) * logits.Length, logits.Length), logits, 1e-5);
        }
    }

    [TestMethod]
    [DynamicData(nameof(Specs))]
    public void Append_SeveralSessionsOfOtherLengths_EqualsEachAlone(string name)
    {
        ModelSpec spec = s_specs[name];
        using LanguageModel model = RandomModel.Create(spec);
        using var engine = new TorchEngine(model);
        int[] tokens = RandomModel.Tokens(spec, 40);
        float[] expected = Logits(engine, spec, tokens);

        // All sessions read the same sequence, each at its own pace; the last one starts late.
        int[][] steps = [[1, 5, 1, 1], [20, 1, 1, 13], [3, 1, 30, 6], [0, 7, 1, 1]];
        IDecodingSession[] sessions = [.. steps.Select(_ => engine.StartDecoding())];
        for (int step = 0; step < 4; step++)
        {
            int[] active = [.. Enumerable.Range(0, 4).Where(i => steps[i][step] > 0)];
            var logits = new float[active.Length * spec.VocabularySize];
            engine.Append([.. active.Select(i => sessions[i])],
                [.. active.Select(i => new ReadOnlyMemory<int>(tokens, sessions[i].Length, steps[i][step]))], logits);
            for (int row = 0; row < active.Length; row++)
            {
                int length = steps[active[row]].Take(step + 1).Sum();
                Assert.AreEqual(length, sessions[active[row]].Length);
                AssertClose(expected.AsSpan((length - 1) * spec.VocabularySize, spec.VocabularySize),
                    logits.AsSpan(row * spec.VocabularySize, spec.VocabularySize), 1e-5);
            }
        }

        foreach (IDecodingSession session in sessions) session.Dispose();
    }

    [TestMethod]
    public void Append_WrongSessions_ThrowsAndSaysWhat()
    {
        ModelSpec spec = RandomModel.Llama;
        using LanguageModel model = RandomModel.Create(spec);
        using var engine = new TorchEngine(model);
        using var other = new TorchEngine(model);
        using IDecodingSession a = engine.StartDecoding(), b = engine.StartDecoding(), foreign = other.StartDecoding();
        ReadOnlyMemory<int> token = new[] { 1 }, wrong = new[] { 40 };
        AssertRefused("no sessions", () => engine.Append([], [], []));
        AssertRefused("2 sessions and tokens for 1", () => engine.Append([a, b], [token], new float[80]));
        AssertRefused("twice", () => engine.Append([a, a], [token, token], new float[80]));
        AssertRefused("Session 1 was not started", () => engine.Append([a, foreign], [token, token], new float[80]));
        AssertRefused("destination", () => engine.Append([a, b], [token, token], new float[79]));
        AssertRefused("vocabulary", () => engine.Append([a, b], [token, wrong], new float[80]));
        Assert.AreEqual(0, a.Length);
    }

    [TestMethod]
    public void NextTokenLogProbabilities_Batch_EqualLogSoftmaxOfLogits()
    {
        ModelSpec spec = RandomModel.Llama;
        using LanguageModel model = RandomModel.Create(spec);
        using var engine = new TorchEngine(model);
        const int batch = 3, length = 11;
        int[] tokens = RandomModel.Tokens(spec, batch * length);
        var actual = new double[batch * (length - 1)];
        engine.NextTokenLogProbabilities(tokens, batch, actual);
        for (int b = 0; b < batch; b++)
        {
            double[][] logits = new Float64Decoder(model).Logits(tokens.AsSpan(b * length, length));
            for (int t = 0; t < length - 1; t++)
            {
                double expected = logits[t][tokens[b * length + t + 1]] - Math.Log(logits[t].Sum(Math.Exp));
                Assert.AreEqual(expected, actual[b * (length - 1) + t], 1e-5);
            }
        }
    }

    [TestMethod]
    public void NextTokenLogProbabilities_MoreSequencesThanOnePass_EqualOneByOne()
    {
        ModelSpec spec = RandomModel.Llama with { Layers = [RandomModel.Layer(1, 1, 2, 1 << 14)] };
        using LanguageModel model = RandomModel.Create(spec);
        using var engine = new TorchEngine(model);
        const int batch = 9, length = 40;
        int[] tokens = RandomModel.Tokens(spec, batch * length);
        var together = new double[batch * (length - 1)];
        var alone = new double[length - 1];
        engine.NextTokenLogProbabilities(tokens, batch, together);
        for (int b = 0; b < batch; b++)
        {
            engine.NextTokenLogProbabilities(tokens.AsSpan(b * length, length), 1, alone);
            for (int t = 0; t < alone.Length; t++) Assert.AreEqual(alone[t], together[b * alone.Length + t], 1e-5);
        }
    }

    [TestMethod]
    public void NextTokenLogProbabilities_RightPadding_ChangesNothingBefore()
    {
        ModelSpec spec = RandomModel.Llama;
        using LanguageModel model = RandomModel.Create(spec);
        using var engine = new TorchEngine(model);
        int[] tokens = RandomModel.Tokens(spec, 12);
        var alone = new double[11];
        engine.NextTokenLogProbabilities(tokens, 1, alone);
        int[] padded = [.. tokens, .. new int[20], .. RandomModel.Tokens(spec, 32, seed: 2)];
        var together = new double[2 * 31];
        engine.NextTokenLogProbabilities(padded, 2, together);
        for (int t = 0; t < alone.Length; t++) Assert.AreEqual(alone[t], together[t], 1e-5);
    }

    [TestMethod]
    public void NextTokenLogProbabilities_OneToken_WritesNothing()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        using var engine = new TorchEngine(model);
        engine.NextTokenLogProbabilities([3], 1, []);
    }

    [TestMethod]
    public void NextTokenLogProbabilities_Twice_SameBits()
    {
        ModelSpec spec = RandomModel.Llama with { ContextLength = 256 };
        int[] tokens = RandomModel.Tokens(spec, 1024);
        double[][] runs = [.. Enumerable.Range(0, 2).Select(_ =>
        {
            using LanguageModel model = RandomModel.Create(spec);
            using var engine = new TorchEngine(model);
            var results = new double[4 * 255];
            engine.NextTokenLogProbabilities(tokens, 4, results);
            return results;
        })];
        CollectionAssert.AreEqual(runs[0], runs[1]);
    }

    [TestMethod]
    public void Calls_Repeated_LeaveNoTensorBehind()
    {
        ModelSpec spec = s_specs["layer shapes"];
        using LanguageModel model = RandomModel.Create(spec);
        long before = LiveTensors.Count;
        using (var engine = new TorchEngine(model))
        {
            RunAll(engine, spec);
            long afterFirst = LiveTensors.Count;
            for (int i = 0; i < 5; i++) RunAll(engine, spec);
            Assert.AreEqual(afterFirst, LiveTensors.Count);
        }

        Assert.AreEqual(before, LiveTensors.Count);
    }

    [TestMethod]
    public void Calls_FromSeveralThreads_GiveTheSameResults()
    {
        ModelSpec spec = RandomModel.Llama;
        using LanguageModel model = RandomModel.Create(spec);
        using var engine = new TorchEngine(model);
        int[] tokens = RandomModel.Tokens(spec, 60);
        float[] expected = Logits(engine, spec, tokens);
        Parallel.For(0, 8, _ => AssertClose(expected, Logits(engine, spec, tokens), 1e-6));
    }

    [TestMethod]
    public void Calls_WrongArguments_ThrowAndSayWhat()
    {
        ModelSpec spec = RandomModel.Llama;
        using LanguageModel model = RandomModel.Create(spec);
        using var engine = new TorchEngine(model);
        AssertRefused("vocabulary", () => engine.Logits([40], 1, new float[40]));
        AssertRefused("vocabulary", () => engine.Logits([-1], 1, new float[40]));
        AssertRefused("context is 64", () => engine.Logits(new int[65], 1, new float[65 * 40]));
        AssertRefused("batch size is 0", () => engine.Logits([1], 0, new float[40]));
        AssertRefused("multiple", () => engine.Logits(new int[5], 2, new float[200]));
        AssertRefused("multiple", () => engine.Logits([], 1, []));
        AssertRefused("destination", () => engine.Logits([1], 1, new float[39]));
        AssertRefused("destination", () => engine.NextTokenLogProbabilities([1, 2], 1, new double[2]));
        using IDecodingSession session = engine.StartDecoding();
        session.Append(new int[60], new float[40]);
        AssertRefused("65 tokens", () => session.Append(new int[5], new float[40]));
        Assert.AreEqual(60, session.Length);
    }

    private static void RunAll(TorchEngine engine, ModelSpec spec)
    {
        int[] tokens = RandomModel.Tokens(spec, 30);
        Logits(engine, spec, tokens);
        engine.NextTokenLogProbabilities(tokens, 2, new double[28]);
        using IDecodingSession session = engine.StartDecoding();
        session.Append(tokens.AsSpan(0, 29), new float[spec.VocabularySize]);
        session.Append(tokens.AsSpan(29), new float[spec.VocabularySize]);
    }

    private static float[] Logits(TorchEngine engine, ModelSpec spec, int[] tokens)
    {
        var logits = new float[tokens.Length * spec.VocabularySize];
        engine.Logits(tokens, 1, logits);
        return logits;
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance)
    {
        double largest = 0, error = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(expected[i]));
            error = Math.Max(error, Math.Abs((double)expected[i] - actual[i]));
        }

        Assert.IsLessThan(tolerance * largest, error);
    }

    private static void AssertRefused(string expected, Action action) =>
        StringAssert.Contains(Assert.Throws<ArgumentException>(action).Message, expected);
}
