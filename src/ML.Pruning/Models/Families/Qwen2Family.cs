namespace ML.Pruning.Models.Families;

/// <summary>Qwen 2 and 2.5: LLaMA with biases on queries, keys and values (Yang et al. 2024,
/// arXiv:2407.10671).</summary>
public sealed class Qwen2Family : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "qwen2";

    private protected override int? DefaultKeyValueHeads => 32;

    private protected override int? DefaultBosTokenId => null;

    private protected override int? DefaultEosTokenId => null;

    private protected override ModelSpec Read(ConfigReader config)
    {
        ModelSpec spec = base.Read(config) with
        {
            ContextLength = config.Int("max_position_embeddings", 32768),
            QueryKeyValueBias = true,
            OutputBias = false,
            MlpBias = false,
        };
        RefuseWindow(config, spec.Layers.Count);
        return spec;
    }

    // The window would hold from layer max_window_layers on only.
    private static void RefuseWindow(ConfigReader config, int layers)
    {
        int? window = config.IntOrNull("sliding_window");
        int first = config.Int("max_window_layers", 28);
        bool none = window is null && config.IsNull("sliding_window");
        if (config.Bool("use_sliding_window", false) && !none && first < layers)
        {
            throw new ModelFormatException($"config.json: 'use_sliding_window' is true from layer {first} "
                + $"('max_window_layers') of {layers} on; only windows for no layer are supported: set it to false, or "
                + "'max_window_layers' to the number of layers, if the model was trained so.");
        }
    }
}
