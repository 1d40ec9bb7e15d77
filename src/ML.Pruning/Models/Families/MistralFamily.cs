namespace ML.Pruning.Models.Families;

/// <summary>Mistral: LLaMA with sliding-window attention (Jiang et al. 2023, arXiv:2310.06825).</summary>
public sealed class MistralFamily : LlamaFamily
{
    /// <inheritdoc/>
    public override string ModelType => "mistral";

    private protected override ModelSpec Read(ConfigReader config) => base.Read(config) with
    {
        SlidingWindow = config.IntOrNull("sliding_window"),
        ContextLength = config.Int("max_position_embeddings", 131072),
        QueryKeyValueBias = false,
        OutputBias = false,
        MlpBias = false,
    };
}
