using System.Buffers.Binary;
using System.Text;
using ML.Pruning.Models;

namespace ML.Pruning.Benchmarks.Models;

/// <summary>Writes LLaMAs with random weights in llama.cpp's file format (GGUF, version 3), without a
/// vocabulary.</summary>
internal static class GgufFile
{
    private const int Alignment = 32;
    private const uint UInt32Value = 4, FloatValue = 6, TextValue = 8;

    /// <summary>How matrices are stored: the name, the type's number, and bytes of so many weights.</summary>
    public sealed record Type(string Name, uint Number, int BlockBytes, int BlockWeights);

    /// <summary>The types that are written. Norms stay float32.</summary>
    public static IReadOnlyList<Type> Types { get; } =
        [new("f16", 1, 2, 1), new("q8_0", 8, 34, 32), new("q4_0", 2, 18, 32)];

    private static Type Float32 { get; } = new("f32", 0, 4, 1);

    /// <summary>Writes a file; embedding and head have the type too.</summary>
    public static void Write(ModelSpec spec, Type type, string path)
    {
        LayerSpec layer = spec.Layers[0];
        var tensors = new List<(string Name, long[] Sizes, Type Type)>
        {
            ("token_embd.weight", [spec.HiddenSize, spec.VocabularySize], type),
            ("output_norm.weight", [spec.HiddenSize], Float32),
            ("output.weight", [spec.HiddenSize, spec.VocabularySize], type),
        };
        for (int i = 0; i < spec.Layers.Count; i++)
        {
            foreach ((string part, long from, long to) in new (string, long, long)[]
            {
                ("attn_q", spec.HiddenSize, layer.QueryWidth), ("attn_k", spec.HiddenSize, layer.KeyValueWidth),
                ("attn_v", spec.HiddenSize, layer.KeyValueWidth), ("attn_output", layer.QueryWidth, spec.HiddenSize),
                ("ffn_gate", spec.HiddenSize, layer.MlpWidth), ("ffn_up", spec.HiddenSize, layer.MlpWidth),
                ("ffn_down", layer.MlpWidth, spec.HiddenSize),
            })
                tensors.Add(($"blk.{i}.{part}.weight", [from, to], type));
            tensors.Add(($"blk.{i}.attn_norm.weight", [spec.HiddenSize], Float32));
            tensors.Add(($"blk.{i}.ffn_norm.weight", [spec.HiddenSize], Float32));
        }

        using var file = new BinaryWriter(File.Create(path));
        file.Write("GGUF"u8);
        file.Write(3u);
        file.Write((long)tensors.Count);
        WriteKeys(file, spec, layer);
        long offset = 0;
        foreach ((string name, long[] sizes, Type of) in tensors)
        {
            WriteText(file, name);
            file.Write((uint)sizes.Length);
            foreach (long size in sizes) file.Write(size);
            file.Write(of.Number);
            file.Write(offset);
            offset = Align(offset + Bytes(sizes, of));
        }

        foreach ((_, long[] sizes, Type of) in tensors) WriteWeights(file, Bytes(sizes, of), of);
    }

    private static void WriteKeys(BinaryWriter file, ModelSpec spec, LayerSpec layer)
    {
        (string Key, object Value)[] keys =
        [
            ("general.architecture", "llama"), ("tokenizer.ggml.model", "no_vocab"),
            ("llama.vocab_size", (uint)spec.VocabularySize), ("llama.context_length", (uint)spec.ContextLength),
            ("llama.embedding_length", (uint)spec.HiddenSize), ("llama.block_count", (uint)spec.Layers.Count),
            ("llama.feed_forward_length", (uint)layer.MlpWidth), ("llama.attention.head_count", (uint)layer.Heads),
            ("llama.attention.head_count_kv", (uint)layer.KeyValueHeads),
            ("llama.rope.dimension_count", (uint)layer.HeadSize),
            ("llama.attention.layer_norm_rms_epsilon", (float)spec.NormEpsilon),
        ];
        file.Write((long)keys.Length);
        foreach ((string key, object value) in keys)
        {
            WriteText(file, key);
            switch (value)
            {
                case string text:
                    file.Write(TextValue);
                    WriteText(file, text);
                    break;
                case uint number:
                    file.Write(UInt32Value);
                    file.Write(number);
                    break;
                case float number:
                    file.Write(FloatValue);
                    file.Write(number);
                    break;
            }
        }
    }

    private static void WriteText(BinaryWriter file, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        file.Write((long)bytes.Length);
        file.Write(bytes);
    }

    // One pattern over and over; what the weights are does not matter for the time.
    private static void WriteWeights(BinaryWriter file, long bytes, Type type)
    {
        const int patternBlocks = 16_384;
        var pattern = new byte[patternBlocks * type.BlockBytes];
        var random = new Random(1);
        random.NextBytes(pattern);
        for (int at = 0; at < pattern.Length; at += type.BlockBytes)
        {
            if (type == Float32) BinaryPrimitives.WriteSingleLittleEndian(pattern.AsSpan(at), 1);
            else BinaryPrimitives.WriteHalfLittleEndian(pattern.AsSpan(at), (Half)(random.NextDouble() / 100));
        }

        long end = Align(file.Seek(0, SeekOrigin.Current));
        file.Write(new byte[end - file.BaseStream.Position]);
        for (long left = bytes; left > 0; left -= pattern.Length)
            file.Write(pattern, 0, (int)Math.Min(left, pattern.Length));
    }

    private static long Bytes(long[] sizes, Type type) =>
        sizes.Aggregate(1L, (product, size) => product * size) / type.BlockWeights * type.BlockBytes;

    private static long Align(long offset) => (offset + Alignment - 1) / Alignment * Alignment;
}
