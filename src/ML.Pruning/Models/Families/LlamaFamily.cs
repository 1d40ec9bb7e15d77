using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>LLaMA 1 to 3.x and its relatives: RMSNorm, rotary positions, grouped-query attention, gated SiLU
/// MLP (Touvron et al. 2023, arXiv:2302.13971).</summary>
public class LlamaFamily : ModelFamily
{
    /// <inheritdoc/>
    public override string ModelType => "llama";

    /// <inheritdoc/>
    public override string Prefix => "model.";

    /// <summary>Key/value heads of a configuration that does not name them; null = as many as heads.</summary>
    private protected virtual int? DefaultKeyValueHeads => null;

    /// <summary>Width of a head in a configuration that does not name it; null = the heads share the hidden
    /// size.</summary>
    private protected virtual int? DefaultHeadSize => null;

    /// <summary>The key of the fraction of a head's dimensions that turn; null = all do.</summary>
    private protected virtual string? RotaryFractionKey => null;

    /// <summary>The key of the activation, and what it is when the key is not there.</summary>
    private protected virtual (string Key, string Default) Activation => ("hidden_act", "silu");

    /// <summary>Token that starts a text, for a configuration that does not name it.</summary>
    private protected virtual int? DefaultBosTokenId => 1;

    /// <summary>Token that ends a text, for a configuration that does not name it.</summary>
    private protected virtual int? DefaultEosTokenId => 2;

    /// <inheritdoc/>
    public override IEnumerable<TensorMapping> MapTensors(ModelSpec spec)
    {
        foreach (ParameterSpec parameter in spec.Parameters())
        {
            string source = parameter.Part.Length == 0
                ? parameter.Name
                : parameter.Name.Replace(parameter.Part, SourceOf(parameter.Part), StringComparison.Ordinal);
            bool isOfHead = parameter.Name is TensorNames.Head or TensorNames.HeadBias;
            yield return TensorMapping.Plain(source, parameter.Name, !isOfHead);
        }
    }

    /// <summary>The name of a part of a layer in the checkpoint.</summary>
    private protected virtual string SourceOf(string part) => part;

    private protected override ModelSpec Read(ConfigReader config)
    {
        int hidden = config.Int("hidden_size");
        int heads = config.Int("num_attention_heads");
        int vocabulary = config.Int("vocab_size");
        if (heads < 1 || DefaultHeadSize is null && !config.Has("head_dim") && hidden % heads != 0)
        {
            throw new ModelFormatException(
                $"config.json: 'num_attention_heads' is {heads}; it must divide 'hidden_size' "
                + $"({hidden}) unless 'head_dim' is given.");
        }

        var layer = new LayerSpec
        {
            Heads = heads,
            KeyValueHeads = config.IntOrNull("num_key_value_heads")
                ?? (config.IsNull("num_key_value_heads") ? heads : DefaultKeyValueHeads ?? heads),
            HeadSize = config.Int("head_dim", DefaultHeadSize ?? hidden / heads),
            MlpWidth = config.Int("intermediate_size"),
        };
        ConfigReader.Rotary rotary = config.Rope(10000, RotaryFractionKey);
        bool attentionBias = config.Bool("attention_bias", false);
        return new ModelSpec
        {
            Family = ModelType,
            VocabularySize = vocabulary,
            HiddenSize = hidden,
            ContextLength = config.Int("max_position_embeddings", 2048),
            Layers = LayerShapes.Read(config, config.Int("num_hidden_layers"), layer),
            NormEpsilon = config.Double("rms_norm_eps", 1e-6),
            RopeTheta = rotary.Theta,
            RopeScaling = rotary.Scaling,
            RotaryFraction = rotary.Fraction,
            Activation = config.Activation(Activation.Key, Activation.Default),
            QueryKeyValueBias = attentionBias,
            OutputBias = attentionBias,
            MlpBias = config.Bool("mlp_bias", false),
            TiedHead = config.Bool("tie_word_embeddings", false),
            BosTokenId = config.BosTokenId(DefaultBosTokenId, vocabulary),
            EosTokenIds = config.EosTokenIds(DefaultEosTokenId, vocabulary),
        };
    }

    private protected override void Write(ModelSpec spec, JsonObject config)
    {
        LayerSpec first = spec.Layers[0];
        config["vocab_size"] = spec.VocabularySize;
        config["hidden_size"] = spec.HiddenSize;
        config["num_hidden_layers"] = spec.Layers.Count;
        config["num_attention_heads"] = first.Heads;
        config["num_key_value_heads"] = first.KeyValueHeads;
        config["intermediate_size"] = first.MlpWidth;
        config["tie_word_embeddings"] = spec.TiedHead;
        if (config["head_dim"] is not null
            || first.HeadSize != (DefaultHeadSize ?? (double)spec.HiddenSize / first.Heads))
            config["head_dim"] = first.HeadSize;
    }
}
