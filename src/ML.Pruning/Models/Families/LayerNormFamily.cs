namespace ML.Pruning.Models.Families;

/// <summary>What the families with LayerNorm, a plain MLP and one key/value head for each query head share.</summary>
public abstract class LayerNormFamily : ModelFamily
{
    /// <summary>Tensors before the layers: names in the checkpoint and canonical names.</summary>
    private protected abstract IReadOnlyList<(string Source, string Canonical)> FirstTensors { get; }

    /// <summary>What stands before the number of a layer, such as <c>h.</c>.</summary>
    private protected abstract string LayerPrefix { get; }

    /// <summary>The modules of a layer.</summary>
    private protected abstract IReadOnlyList<LayerTensor> LayerTensors { get; }

    /// <summary>Name of the final norm in the checkpoint.</summary>
    private protected abstract string LastNorm { get; }

    /// <summary>Whether the head is the embedding, for a configuration that does not say so.</summary>
    private protected virtual bool DefaultTiedHead => true;

    /// <summary>Token that starts a text, for a configuration that does not name it.</summary>
    private protected abstract int? DefaultBosTokenId { get; }

    /// <summary>Token that ends a text, for a configuration that does not name it.</summary>
    private protected abstract int? DefaultEosTokenId { get; }

    /// <inheritdoc/>
    public override IEnumerable<TensorMapping> MapTensors(ModelSpec spec)
    {
        HashSet<string> names = [.. spec.Parameters().Select(p => p.Name)];
        foreach ((string source, string canonical) in FirstTensors.Where(t => names.Contains(t.Canonical)))
            yield return TensorMapping.Plain(source, canonical);
        for (int layer = 0; layer < spec.Layers.Count; layer++)
        {
            foreach (LayerTensor tensor in LayerTensors)
            {
                foreach (TensorMapping mapping in tensor.Map(spec, layer, $"{LayerPrefix}{layer}."))
                    yield return mapping;
            }
        }

        foreach (string suffix in (string[])[".weight", ".bias"])
        {
            string canonical = TensorNames.LastNorm + suffix;
            if (names.Contains(canonical)) yield return TensorMapping.Plain(LastNorm + suffix, canonical);
        }

        if (!spec.TiedHead) yield return TensorMapping.Plain(HeadName, TensorNames.Head, hasPrefix: false);
        foreach (TensorMapping added in MapAddedTensors(spec)) yield return added;
    }

    private protected override bool CanExpress(ModelSpec spec, LayerSpec layer) =>
        layer.KeyValueHeads == layer.Heads && layer.QueryWidth == spec.HiddenSize;

    /// <summary>A layer whose heads share the hidden size.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="headsKey">The key of the number of heads, for messages.</param>
    /// <param name="heads">The number of heads.</param>
    /// <param name="hiddenKey">The key of the hidden size, for messages.</param>
    /// <param name="hidden">The hidden size.</param>
    /// <param name="mlpWidth">Neurons of the MLP.</param>
    /// <exception cref="ModelFormatException">The heads do not divide the hidden size, and no
    /// <c>layer_shapes</c> are there.</exception>
    private protected static LayerSpec UniformLayer(
        ConfigReader config, string headsKey, int heads, string hiddenKey, int hidden, int mlpWidth)
    {
        if (!config.Has(LayerShapes.Key)) config.RequireDivides(headsKey, heads, hiddenKey, hidden);
        return new LayerSpec
        {
            Heads = heads,
            KeyValueHeads = heads,
            HeadSize = hidden / Math.Max(heads, 1),
            MlpWidth = mlpWidth,
        };
    }

    /// <summary>The part of the spec that does not depend on the family.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="vocabulary">Tokens in the vocabulary.</param>
    /// <param name="hidden">The hidden size.</param>
    /// <param name="context">Longest sequence.</param>
    /// <param name="layers">The layers.</param>
    /// <param name="biases">Whether all linear maps have a bias.</param>
    private protected ModelSpec SharedSpec(ConfigReader config, int vocabulary, int hidden, int context,
        IReadOnlyList<LayerSpec> layers, bool biases) => new()
        {
            Family = ModelType,
            VocabularySize = vocabulary,
            HiddenSize = hidden,
            ContextLength = context,
            Layers = layers,
            Norm = NormKind.LayerNorm,
            GatedMlp = false,
            QueryKeyValueBias = biases,
            OutputBias = biases,
            MlpBias = biases,
            TiedHead = config.Bool("tie_word_embeddings", DefaultTiedHead),
            BosTokenId = config.BosTokenId(DefaultBosTokenId, vocabulary),
            EosTokenIds = config.EosTokenIds(DefaultEosTokenId, vocabulary),
        };
}
