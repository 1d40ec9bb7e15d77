using Microsoft.ML.OnnxRuntime;
using ML.Pruning.Export.Onnx;

namespace ML.Pruning.Inference.Onnx;

/// <summary>Several sequences, of any lengths, that take tokens in one run: one each, or beginnings of any lengths.
/// Their keys and values lie in one buffer a layer, a row for each sequence, where each can also go on alone.</summary>
/// <remarks>Not thread-safe. Disposing it leaves the sequences as they are.</remarks>
internal sealed unsafe class OnnxBatch : IDisposable
{
    private readonly OnnxDecoder _decoder;
    private readonly OnnxDecodingSession[] _sessions;
    private readonly CacheMemory _firstMemory;
    private readonly int _capacity;
    private readonly OrtIoBinding _binding;
    private readonly List<OrtValue> _values = [];
    private readonly long[] _tokens;
    private readonly long[] _past;
    private readonly int _width;

    /// <summary>Moves sequences together.</summary>
    /// <param name="sessions">The sequences, each of which can share runs.</param>
    /// <param name="width">Tokens that each takes in a run.</param>
    public OnnxBatch(OnnxDecodingSession[] sessions, int width = 1)
    {
        _sessions = sessions;
        _width = width;
        _decoder = sessions[0].Decoder;
        int longest = sessions.Max(session => session.Length);
        int expected = sessions.Max(session => session.ExpectedTokens);
        _capacity = expected >= longest + width
            ? expected : OnnxCache.Room(longest + width, longest, _decoder.Spec.ContextLength);
        _binding = _decoder.CreateBinding();
        _tokens = new long[sessions.Length * width];
        _past = new long[sessions.Length];
        Bind(GraphNames.Tokens, OrtValue.CreateTensorValueFromMemory(_tokens, [sessions.Length, width]));
        Bind(GraphNames.PastLength, OrtValue.CreateTensorValueFromMemory(_past, [sessions.Length]));
        Bind(GraphNames.LogitsToKeep, OrtValue.CreateTensorValueFromMemory(new long[] { 1 }, [1]));
        for (int layer = 0; layer < _decoder.Spec.Layers.Count; layer++)
        {
            int of = layer;
            Gather(session => session.Caches[of].Keys, GraphNames.PastKey(layer), GraphNames.PresentKey(layer));
            Gather(session => session.Caches[of].Values, GraphNames.PastValue(layer), GraphNames.PresentValue(layer));
        }

        _firstMemory = sessions[0].Caches[0].Keys.Memory!;
    }

    /// <summary>Whether it holds these sequences, with room for a token more.</summary>
    /// <param name="sessions">The sequences.</param>
    public bool Holds(OnnxDecodingSession[] sessions) => sessions.AsSpan().SequenceEqual(_sessions)
        && sessions.All(session => session.Length < _capacity && session.Caches[0].Keys.Memory == _firstMemory);

    /// <summary>Appends tokens to each sequence: one to each, or any number up to the width to sequences that have none
    /// yet.</summary>
    /// <remarks>Shorter beginnings are filled up at the right. What is there is not seen by the tokens before it, and
    /// its keys and values are overwritten by the tokens that follow.</remarks>
    /// <param name="tokens">For each the tokens.</param>
    /// <param name="logits">Destination [sequences, vocabulary]: the logits after the last place of each row.</param>
    public void Append(IReadOnlyList<ReadOnlyMemory<int>> tokens, Span<float> logits)
    {
        Array.Clear(_tokens);
        for (int i = 0; i < _sessions.Length; i++)
        {
            ReadOnlySpan<int> own = tokens[i].Span;
            for (int t = 0; t < own.Length; t++) _tokens[i * _width + t] = own[t];
            _past[i] = _sessions[i].Length;
        }

        fixed (float* memory = logits)
        {
            using OrtValue output = OnnxDecoder.Tensor(
                memory, logits.Length, _sessions.Length, 1, _decoder.Spec.VocabularySize);
            _binding.BindOutput(GraphNames.Logits, output);
            _decoder.Run(_binding);
        }

        for (int i = 0; i < _sessions.Length; i++) _sessions[i].Advance(tokens[i].Length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _binding.Dispose();
        foreach (OrtValue value in _values) value.Dispose();
        _values.Clear();
    }

    private void Gather(Func<OnnxDecodingSession, OnnxCache> cacheOf, string past, string present)
    {
        OnnxCache first = cacheOf(_sessions[0]);
        var memory = new CacheMemory(_sessions.Length * first.RowFloats(_capacity));
        for (int row = 0; row < _sessions.Length; row++)
            cacheOf(_sessions[row]).MoveTo(memory, row, _capacity, _sessions[row].Length);
        OrtValue tensor = first.Rows(memory, _sessions.Length, _capacity);
        memory.Release(); // the caches keep it
        Bind(past, tensor);
        _binding.BindOutput(present, tensor);
    }

    private void Bind(string name, OrtValue value)
    {
        _values.Add(value);
        _binding.BindInput(name, value);
    }
}
