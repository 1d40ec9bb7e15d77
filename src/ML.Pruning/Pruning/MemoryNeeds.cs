using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;

namespace ML.Pruning.Pruning;

/// <summary>What a model takes in memory, by shape alone.</summary>
/// <remarks>
/// <para>Inference: all weights in a type, and the keys and values of one sequence that fills the context: 2 x
/// key/value width x tokens for each layer. On the integer grids int8 and int4 the linear maps are codes and scales,
/// everything else and the cache 16 bits an element. Intermediate results come on top; they are small beside
/// these.</para>
/// <para>Training, in float32 with AdamW on one sequence that fills the context: weights, what the forward pass keeps
/// for the backward one, and 12 bytes (gradient and two moments) for each weight trained. LoRA trains r (rows +
/// columns) for each linear map of a layer. Immutable and thread-safe.</para>
/// </remarks>
public sealed class MemoryNeeds
{
    private const int BytesPerMoments = 2 * sizeof(float);
    private static readonly TensorType[] s_types = [TensorType.F32, TensorType.BF16];
    private static readonly WeightGrid[] s_grids = [new Int8PerRow(), new Int4Groups()];

    private readonly ModelSpec _spec;

    /// <summary>Asks for a model.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="contextLength">Tokens of the sequence, at least 1; null = the model's context.</param>
    /// <param name="loraRank">Rank of the LoRA updates, at least 1.</param>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public MemoryNeeds(ModelSpec spec, int? contextLength = null, int loraRank = 8)
    {
        ArgumentNullException.ThrowIfNull(spec);
        _spec = spec;
        ContextLength = contextLength ?? spec.ContextLength;
        LoraRank = loraRank;
        if (ContextLength < 1) throw new ArgumentException($"The context is {ContextLength} tokens; at least 1.");
        if (loraRank < 1) throw new ArgumentException($"The LoRA rank is {loraRank}; at least 1.");
    }

    /// <summary>Tokens of the sequence.</summary>
    public int ContextLength { get; }

    /// <summary>Rank of the LoRA updates.</summary>
    public int LoraRank { get; }

    /// <summary>Parameters that LoRA trains.</summary>
    public long LoraParameters =>
        LoraRank * Matrices().Sum(l => (long)l.OutFeatures + l.InFeatures);

    /// <summary>Bytes to train all weights.</summary>
    public long FullFineTuningBytes => TrainingBytes(0, _spec.ParameterCount);

    /// <summary>Bytes to train a LoRA.</summary>
    public long LoraBytes => TrainingBytes(LoraParameters, LoraParameters);

    /// <summary>Bytes of all weights.</summary>
    /// <param name="type">The type that they are in.</param>
    public long WeightBytes(TensorType type) => _spec.ParameterCount * type.BitsPerElement() / 8;

    /// <summary>Bytes of all weights, with the linear maps on an integer grid and everything else in 16 bits.</summary>
    /// <param name="grid">The grid.</param>
    public long WeightBytes(WeightGrid grid)
    {
        ArgumentNullException.ThrowIfNull(grid);
        LinearSpec[] linears = [.. Matrices()];
        long others = _spec.ParameterCount - linears.Sum(l => (long)l.OutFeatures * l.InFeatures);
        return others * sizeof(short) + linears.Sum(l => grid.StorageBytes(l.OutFeatures, l.InFeatures));
    }

    /// <summary>Bytes of the keys and values of one sequence; none of an encoder, which keeps none.</summary>
    /// <param name="type">The type that they are in.</param>
    public long KeyValueBytes(TensorType type) => _spec.Encoder is not null ? 0 :
        2L * ContextLength * _spec.Layers.Sum(l => (long)l.KeyValueWidth) * type.BitsPerElement() / 8;

    /// <summary>All of it as one JSON object.</summary>
    /// <returns>Keys contextLength; inference, with for each type weights, keyValueCache and total; lora {rank,
    /// parameters, bytes}; fullFineTuning. All in bytes.</returns>
    public JsonObject ToJson()
    {
        var inference = new JsonObject();
        foreach (TensorType type in s_types)
            inference[NameOf(type)] = Inference(WeightBytes(type), KeyValueBytes(type));
        foreach (WeightGrid grid in s_grids)
            inference[grid.ToString()] = Inference(WeightBytes(grid), KeyValueBytes(TensorType.BF16));
        return new JsonObject
        {
            ["contextLength"] = ContextLength,
            ["inference"] = inference,
            ["lora"] = new JsonObject
            {
                ["rank"] = LoraRank,
                ["parameters"] = LoraParameters,
                ["bytes"] = LoraBytes,
            },
            ["fullFineTuning"] = FullFineTuningBytes,
        };
    }

    private static JsonObject Inference(long weights, long cache) => new()
    {
        ["weights"] = weights,
        ["keyValueCache"] = cache,
        ["total"] = weights + cache,
    };

    private static string NameOf(TensorType type) => type == TensorType.F32 ? "float32" : "bfloat16";

    private IEnumerable<LinearSpec> Matrices() => Enumerable.Range(0, _spec.Layers.Count).SelectMany(_spec.Linears);

    private long TrainingBytes(long added, long trained) =>
        DifferentiableModel.EstimateBytes(_spec, trained, 1, ContextLength)
        + added * sizeof(float) + trained * BytesPerMoments;
}
