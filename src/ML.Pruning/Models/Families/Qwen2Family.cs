using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>Qwen 2 and 2.5: LLaMA with biases on queries, keys and values, and a sliding window from some layer on
/// where the configuration says so (Yang et al. 2024, arXiv:2407.10671).</summary>
public class Qwen2Family : LlamaFamily
{
    private const int DefaultFirstWindowedLayer = 28;
    private const int DefaultSlidingWindow = 4096;

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
        int? window = config.IntOrNull("sliding_window");
        if (window is null && !config.IsNull("sliding_window")) window = DefaultSlidingWindow;
        int first = config.Int("max_window_layers", DefaultFirstWindowedLayer);
        if (!config.Bool("use_sliding_window", false) || window is null)
        {
            config.RequireLayerTypes(LayerTypes.Full);
            return spec;
        }

        IReadOnlyList<LayerSpec> layers = config.WithLayerTypes(spec.Layers, layer => layer < first);
        return layers.All(l => l.FullAttention) ? spec : spec with { SlidingWindow = window, Layers = layers };
    }

    private protected override void Write(ModelSpec spec, JsonObject config)
    {
        base.Write(spec, config);
        if (spec.SlidingWindow is null)
        {
            if (config[LayerTypes.Key] is not null)
                LayerTypes.Write(spec with { Layers = [.. spec.Layers.Select(Full)] }, config, _ => true);
            return;
        }

        int first = config["max_window_layers"]?.GetValue<int>() ?? DefaultFirstWindowedLayer;
        LayerTypes.Write(spec, config, layer => layer < first);

        static LayerSpec Full(LayerSpec layer) => layer with { FullAttention = true };
    }
}
