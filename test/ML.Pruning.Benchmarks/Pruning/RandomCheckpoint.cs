using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;

namespace ML.Pruning.Benchmarks.Pruning;

/// <summary>A Hugging Face folder of a LLaMA with random bfloat16 weights, written shard by shard.</summary>
internal static class RandomCheckpoint
{
    private const double Range = 0.05;

    /// <summary>The shape of a 1.1B LLaMA (TinyLlama), with fewer layers if asked for.</summary>
    public static ModelSpec Llama(int layers) => new()
    {
        Family = "llama",
        VocabularySize = 32_000,
        HiddenSize = 2048,
        ContextLength = 2048,
        Layers = [.. Enumerable.Repeat(
            new LayerSpec { Heads = 32, KeyValueHeads = 4, HeadSize = 64, MlpWidth = 5632 }, layers)],
        BosTokenId = 1,
        EosTokenIds = [2],
    };

    /// <summary>Writes the folder; at most one shard (a layer, or what lies outside the layers) is in memory.</summary>
    public static void Write(ModelSpec spec, string folder)
    {
        Directory.CreateDirectory(folder);
        var config = new JsonObject
        {
            ["model_type"] = spec.Family,
            ["max_position_embeddings"] = spec.ContextLength,
            ["rms_norm_eps"] = spec.NormEpsilon,
            ["torch_dtype"] = "bfloat16",
            ["bos_token_id"] = spec.BosTokenId,
            ["eos_token_id"] = 2,
        };
        FamilyRegistry.Get(spec.Family).WriteConfig(spec, config);
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());

        var places = new JsonObject();
        foreach (IGrouping<int, ParameterSpec> shard in spec.Parameters().GroupBy(p => p.Layer))
        {
            string file = $"model-{shard.Key + 1:00000}.safetensors";
            StoredTensor[] tensors = [.. shard.Select(p => RandomTensor(SourceName(p.Name), p))];
            foreach (StoredTensor tensor in tensors) places[tensor.Name] = file;
            SafetensorsWriter.Write(Path.Combine(folder, file), tensors);
        }

        File.WriteAllText(Path.Combine(folder, CheckpointFiles.IndexName), new JsonObject
        {
            ["metadata"] = new JsonObject { ["total_size"] = spec.ParameterCount * 2 },
            ["weight_map"] = places,
        }.ToJsonString());
    }

    /// <summary>The same in memory, of any family.</summary>
    public static LanguageModel Create(ModelSpec spec) => new(new LanguageModelContent
    {
        Spec = spec,
        Weights = spec.Parameters().ToDictionary(p => p.Name, p => (StoredTensor)RandomTensor(p.Name, p)),
        ConfigJson = $$"""{ "model_type": "{{spec.Family}}" }""",
    });

    private static string SourceName(string name) => name.StartsWith("lm_head", StringComparison.Ordinal) ? name
        : $"model.{name}";

    // Uniform in +-Range; gains are 1.
    private static BytesTensor RandomTensor(string name, ParameterSpec parameter)
    {
        var bytes = new byte[parameter.Count * 2];
        Span<ushort> values = MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan());
        bool isGain = parameter.Role == ParameterRole.Norm;
        ulong state = (ulong)BinaryPrimitives.ReadInt64LittleEndian(
            System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name))) | 1;
        for (int i = 0; i < values.Length; i++)
        {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            float value = isGain ? 1 : (float)(Range * ((state >> 40) / (double)(1 << 23) - 1));
            values[i] = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
        }

        return new BytesTensor(name, bytes, parameter.Shape, TensorType.BF16);
    }
}
