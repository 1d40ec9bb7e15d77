namespace ML.Pruning.Models.Families;

/// <summary>Mistral: LLaMA with sliding-window attention (Jiang et al. 2023, arXiv:2310.06825).</summary>
public sealed class MistralFamily : LlamaFamily
{
    /// <summary>The window of a configuration that does not name one; null there means none.</summary>
    private const int DefaultSlidingWindow = 4096;

    /// <inheritdoc/>
    public override string ModelType => "mistral";

    private protected override int? DefaultKeyValueHeads => 8;

    private protected override ModelSpec Read(ConfigReader config)
    {
        int? window = config.IntOrNull("sliding_window");
        if (window is null && !config.IsNull("sliding_window")) window = DefaultSlidingWindow;
        config.RequireLayerTypes(window is null ? "full_attention" : "sliding_attention");
        return base.Read(config) with
        {
            SlidingWindow = window,
            ContextLength = config.Int("max_position_embeddings", 131072),
            QueryKeyValueBias = false,
            OutputBias = false,
            MlpBias = false,
        };
    }
}
