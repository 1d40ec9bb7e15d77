using Microsoft.ML.OnnxRuntime;
using ML.Pruning.Export.Onnx;

namespace ML.Pruning.Inference.Onnx;

/// <summary>Several sequences that take their first tokens in one run, where layers do not write keys and values in
/// place: what the run yields is copied to each sequence's own memory, in which it goes on alone.</summary>
internal static unsafe class OnnxStart
{
    /// <summary>Appends the first tokens.</summary>
    /// <remarks>Shorter beginnings are filled up at the right, which the tokens before do not see, and their keys and
    /// values there are not copied.</remarks>
    /// <param name="sessions">The sequences, without tokens yet.</param>
    /// <param name="tokens">For each its tokens, by rising number.</param>
    /// <param name="logits">Destination [sequences, vocabulary]: the logits after the last token of each.</param>
    public static void Append(
        OnnxDecodingSession[] sessions, IReadOnlyList<ReadOnlyMemory<int>> tokens, Span<float> logits)
    {
        OnnxDecoder decoder = sessions[0].Decoder;
        int rows = sessions.Length, width = tokens[^1].Length, kept = width - tokens[0].Length + 1;
        int vocabulary = decoder.Spec.VocabularySize;
        var last = new float[rows * kept * vocabulary]; // of the places at which a sequence may end
        var ids = new long[rows * width];
        for (int row = 0; row < rows; row++)
        {
            for (int t = 0; t < tokens[row].Length; t++) ids[row * width + t] = tokens[row].Span[t];
        }

        var values = new List<OrtValue>();
        var written = new List<(CacheMemory Memory, Func<OnnxDecodingSession, OnnxCache> CacheOf)>();
        using OrtIoBinding binding = decoder.CreateBinding();
        try
        {
            BindInput(GraphNames.Tokens, OrtValue.CreateTensorValueFromMemory(ids, [rows, width]));
            BindInput(GraphNames.PastLength, OrtValue.CreateTensorValueFromMemory(new long[] { 0 }, [1]));
            BindInput(GraphNames.LogitsToKeep, OrtValue.CreateTensorValueFromMemory(new long[] { kept }, [1]));
            values.Add(OrtValue.CreateTensorValueFromMemory(last, [rows, kept, vocabulary]));
            binding.BindOutput(GraphNames.Logits, values[^1]);
            for (int layer = 0; layer < decoder.Spec.Layers.Count; layer++)
            {
                int of = layer;
                bool shares = decoder.SharesBuffers[layer];
                Bind(s => s.Caches[of].Keys, shares, GraphNames.PastKey(layer), GraphNames.PresentKey(layer));
                Bind(s => s.Caches[of].Values, shares, GraphNames.PastValue(layer), GraphNames.PresentValue(layer));
            }

            decoder.Run(binding);
            foreach ((CacheMemory memory, Func<OnnxDecodingSession, OnnxCache> cacheOf) in written)
            {
                for (int row = 0; row < rows; row++)
                    cacheOf(sessions[row]).Start(memory, row, width, tokens[row].Length);
            }

            for (int row = 0; row < rows; row++)
            {
                int place = row * kept + tokens[row].Length - tokens[0].Length;
                last.AsSpan(place * vocabulary, vocabulary).CopyTo(logits[(row * vocabulary)..]);
                sessions[row].Advance(tokens[row].Length);
            }
        }
        finally
        {
            foreach (OrtValue value in values) value.Dispose();
            foreach ((CacheMemory memory, _) in written) memory.Release();
        }

        // A layer that writes in place has one buffer, with room for what it writes.
        void Bind(Func<OnnxDecodingSession, OnnxCache> cacheOf, bool shares, string past, string present)
        {
            OnnxCache cache = cacheOf(sessions[0]);
            var memory = new CacheMemory(rows * cache.RowFloats(width));
            written.Add((memory, cacheOf));
            BindInput(past, cache.Rows(memory, rows, shares ? width : 0));
            OrtValue target = cache.Rows(memory, rows, width);
            values.Add(target);
            binding.BindOutput(present, target);
        }

        void BindInput(string name, OrtValue value)
        {
            values.Add(value);
            binding.BindInput(name, value);
        }
    }
}
