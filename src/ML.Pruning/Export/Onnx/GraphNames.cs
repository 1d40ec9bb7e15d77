namespace ML.Pruning.Export.Onnx;

/// <summary>Names in an exported model: its inputs, its outputs and the keys of its metadata.</summary>
/// <remarks>
/// <para>All sequences of a run have the same length. Without the optional inputs the graph takes whole sequences of
/// batch size 1 and gives all their logits.</para>
/// <para>Where the metadata lists a layer as sharing its buffers, the earlier keys and values may come in a buffer with
/// room behind them, [batch, key/value heads, capacity, head size], and the same buffer may be bound as the output, so
/// that nothing is copied. Other layers take and give exactly the tokens that there are.</para>
/// </remarks>
public static class GraphNames
{
    /// <summary>Input: token ids [batch, sequence], int64.</summary>
    public const string Tokens = "input_ids";

    /// <summary>Optional input: number of earlier tokens [1], int64; 0 when left out. Where all layers share their
    /// buffers, runs of one token a sequence may give each its own number, [batch].</summary>
    public const string PastLength = "past_length";

    /// <summary>Optional input: for how many last tokens to compute logits [1], int64; 0, which is what it is when left
    /// out, stands for all.</summary>
    public const string LogitsToKeep = "logits_to_keep";

    /// <summary>Output: logits [batch, kept, vocabulary], float32.</summary>
    public const string Logits = "logits";

    /// <summary>Output of a graph that an engine makes for itself: the states that the head sees of every token [batch,
    /// sequence, hidden], float32.</summary>
    internal const string States = "hidden_states";

    /// <summary>Optional input of an encoder: 1 for tokens of a text and 0 for those that fill it up [batch, sequence],
    /// int64; all 1 when left out. Its <see cref="Logits"/> are [batch, labels] or [batch, sequence,
    /// vocabulary].</summary>
    public const string AttentionMask = "attention_mask";

    /// <summary>Output of an encoder without a head: hidden states [batch, sequence, hidden size], float32.</summary>
    public const string HiddenState = "last_hidden_state";

    /// <summary>Output of an encoder that has a pooler and no head: [batch, hidden size], float32.</summary>
    public const string PoolerOutput = "pooler_output";

    /// <summary>Metadata: the model's <see cref="Models.ModelSpec"/> as JSON.</summary>
    public const string SpecKey = "ml.pruning.spec";

    /// <summary>Metadata: the layers, separated by commas, whose key and value buffers may be shared.</summary>
    public const string SharedBuffersKey = "ml.pruning.shared_buffers";

    internal const string Batch = "batch";
    internal const string Sequence = "sequence";

    /// <summary>Optional input: the keys of a layer's earlier tokens [batch, key/value heads, past, head size],
    /// float32; none when left out.</summary>
    /// <param name="layer">Layer, from 0.</param>
    public static string PastKey(int layer) => $"past_key_values.{layer}.key";

    /// <summary>Optional input: the values of a layer's earlier tokens, as <see cref="PastKey"/>.</summary>
    /// <param name="layer">Layer, from 0.</param>
    public static string PastValue(int layer) => $"past_key_values.{layer}.value";

    /// <summary>Output: the keys of a layer's tokens so far [batch, key/value heads, total, head size],
    /// float32.</summary>
    /// <param name="layer">Layer, from 0.</param>
    public static string PresentKey(int layer) => $"present.{layer}.key";

    /// <summary>Output: the values of a layer's tokens so far, as <see cref="PresentKey"/>.</summary>
    /// <param name="layer">Layer, from 0.</param>
    public static string PresentValue(int layer) => $"present.{layer}.value";
}
