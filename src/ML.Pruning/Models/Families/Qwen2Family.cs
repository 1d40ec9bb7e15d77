namespace ML.Pruning.Models.Families;

/// <summary>Qwen 2 and 2.5: LLaMA with biases on queries, keys and values (Yang et al. 2024, arXiv:2407.10671).</summary>
public sealed class Qwen2Family : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "qwen2";

    private protected override ModelSpec Read(ConfigReader config)
    {
        // The window counts only with use_sliding_window, which is refused: it would hold for some layers alone.
        config.IntOrNull("sliding_window");
        return base.Read(config) with
        {
            ContextLength = config.Int("max_position_embeddings", 32768),
            QueryKeyValueBias = true,
            OutputBias = false,
            MlpBias = false,
        };
    }
}
