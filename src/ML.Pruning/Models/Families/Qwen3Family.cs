namespace ML.Pruning.Models.Families;

/// <summary>Qwen 3: Qwen 2 with a norm of each query and key head in place of the biases, and a head size of its own
/// (Yang et al. 2025, arXiv:2505.09388).</summary>
public sealed class Qwen3Family : Qwen2Family
{
    /// <inheritdoc/>
    public override string ModelType => "qwen3";

    private protected override int? DefaultHeadSize => 128;

    private protected override ModelSpec Read(ConfigReader config)
    {
        bool bias = config.Bool("attention_bias", false);
        return base.Read(config) with { QueryKeyNorm = true, QueryKeyValueBias = bias, OutputBias = bias };
    }
}
