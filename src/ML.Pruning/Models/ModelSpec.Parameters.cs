namespace ML.Pruning.Models;

/// <content>The parameters that a spec calls for, and what can be counted from shapes.</content>
public sealed partial record ModelSpec
{
    /// <summary>Every parameter tensor of the model but its adapters, in the order of the forward pass.</summary>
    /// <returns>Canonical names and shapes.</returns>
    public IEnumerable<ParameterSpec> Parameters()
    {
        yield return new(TensorNames.Embedding, [VocabularySize, StreamWidth], ParameterRole.Embedding, -1, "");
        if (Positions == PositionKind.Learned)
        {
            yield return new(TensorNames.PositionEmbedding, [ContextLength + PositionOffset, StreamWidth],
                ParameterRole.Embedding, -1, "");
        }

        if (Encoder is { TokenTypes: > 0 and var types })
            yield return new(TensorNames.TokenTypeEmbedding, [types, StreamWidth], ParameterRole.Embedding, -1, "");
        if (EmbeddingNorm)
            foreach (ParameterSpec p in NormParameters(-1, "", TensorNames.EmbeddingNorm, HiddenSize)) yield return p;
        for (int layer = 0; layer < Layers.Count; layer++)
        {
            foreach (ParameterSpec parameter in LayerParameters(layer)) yield return parameter;
        }

        foreach (ParameterSpec p in EndParameters()) yield return p;
    }

    /// <summary>The parameter tensors of the adapters.</summary>
    /// <returns>Canonical names and shapes.</returns>
    public IEnumerable<ParameterSpec> AdapterParameters() => Adapters.SelectMany(
        adapter => adapter.Parameters(Linears(adapter.Layer).First(linear => linear.Part == adapter.Part)));

    /// <summary>The parameter tensors of one layer.</summary>
    /// <param name="layer">Layer, from 0.</param>
    /// <returns>Canonical names and shapes.</returns>
    public IEnumerable<ParameterSpec> LayerParameters(int layer)
    {
        var parameters = new List<ParameterSpec>();
        if (!NormAfterSum) parameters.AddRange(LayerNorm(layer, TensorNames.AttentionNorm));
        parameters.AddRange(Linears(layer).Where(l => l.IsAttention).SelectMany(l => l.Parameters()));
        if (QueryKeyNorm)
        {
            foreach (string part in (string[])[TensorNames.QueryNorm, TensorNames.KeyNorm])
            {
                parameters.Add(new(TensorNames.Weight(layer, part), [Layers[layer].HeadSize], ParameterRole.Norm, layer,
                    part));
            }
        }

        if (PostNorms) parameters.AddRange(LayerNorm(layer, TensorNames.AttentionPostNorm));
        parameters.AddRange(LayerNorm(layer, NormAfterSum ? TensorNames.AttentionSumNorm : TensorNames.MlpNorm));
        parameters.AddRange(Linears(layer).Where(l => !l.IsAttention).SelectMany(l => l.Parameters()));
        if (PostNorms) parameters.AddRange(LayerNorm(layer, TensorNames.MlpPostNorm));
        if (NormAfterSum) parameters.AddRange(LayerNorm(layer, TensorNames.MlpSumNorm));
        parameters.AddRange(Shortcuts(layer).SelectMany(s => s.Parameters())
            .Select(p => p with { Role = ParameterRole.Shortcut }));
        return parameters;
    }

    /// <summary>The linear maps of one layer, in the order of the forward pass.</summary>
    /// <param name="layer">Layer, from 0.</param>
    /// <returns>Query, key, value, output, gate (when gated), up, down.</returns>
    public IReadOnlyList<LinearSpec> Linears(int layer)
    {
        LayerSpec shape = Layers[layer];
        var linears = new List<LinearSpec>(7);
        int width = StreamWidth, output = OutputWidth(layer);
        Add(LinearParts.Query, TensorNames.Query, shape.QueryWidth, width, QueryKeyValueBias);
        Add(LinearParts.Key, TensorNames.Key, shape.KeyValueWidth, width, QueryKeyValueBias);
        Add(LinearParts.Value, TensorNames.Value, shape.KeyValueWidth, width, QueryKeyValueBias);
        Add(LinearParts.Output, TensorNames.Output, ParallelResidual ? output : width, shape.QueryWidth, OutputBias);
        if (GatedMlp) Add(LinearParts.Gate, TensorNames.Gate, shape.MlpWidth, width, MlpBias);
        Add(LinearParts.Up, TensorNames.Up, shape.MlpWidth, width, MlpBias);
        Add(LinearParts.Down, TensorNames.Down, output, shape.MlpWidth, MlpBias);
        return linears;

        void Add(LinearParts flag, string part, int rows, int columns, bool hasBias) =>
            linears.Add(new(layer, part, rows, columns, hasBias || shape.AddedBiases.HasFlag(flag)));
    }

    /// <summary>The matrices on the residual stream beside attention and MLP, in the order of the forward
    /// pass.</summary>
    /// <param name="layer">Layer, from 0.</param>
    /// <returns>None unless the model is rotated; one where attention and MLP are parallel; else two.</returns>
    public IReadOnlyList<LinearSpec> Shortcuts(int layer)
    {
        if (ResidualWidth is not { } width) return [];
        int output = OutputWidth(layer);
        if (ParallelResidual) return [new(layer, TensorNames.AttentionShortcut, output, width, false)];
        return
        [
            new(layer, TensorNames.AttentionShortcut, width, width, false),
            new(layer, TensorNames.MlpShortcut, output, width, false),
        ];
    }

    /// <summary>The same model with biases on some linear maps of a layer.</summary>
    /// <param name="layer">Layer, from 0.</param>
    /// <param name="parts">Canonical names of the maps, such as <see cref="TensorNames.Down"/>; those that have a bias
    /// are left as they are.</param>
    /// <returns>A spec in which each of them has a bias [outFeatures].</returns>
    public ModelSpec WithAddedBiases(int layer, IEnumerable<string> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, Layers.Count);
        Dictionary<string, LinearSpec> linears = Linears(layer).ToDictionary(l => l.Part, StringComparer.Ordinal);
        LinearParts added = Layers[layer].AddedBiases;
        foreach (string part in parts)
        {
            if (!linears.TryGetValue(part, out LinearSpec? linear))
                throw new ArgumentException($"Layer {layer} has no linear map '{part}'.", nameof(parts));
            if (!linear.HasBias) added |= TensorNames.LinearMaps.First(m => m.Part == part).Flag;
        }

        LayerSpec[] layers = [.. Layers];
        layers[layer] = layers[layer] with { AddedBiases = added };
        return this with { Layers = layers };
    }

    /// <summary>Multiply-accumulates of one forward pass over a single sequence.</summary>
    /// <remarks>Linears, shortcuts and head (a pooler and a classifier run once, on one token); per layer h(S^2 d + S^2
    /// + S^2 d) for attention, 2S(h + kv)r for rotary positions that turn r dimensions, S times the MLP width for the
    /// activation and 2Sw for each norm of width w. This is the count whose results LLM-Pruner (Ma et al. 2023,
    /// arXiv:2305.11627) publishes at 64 tokens.</remarks>
    /// <param name="tokens">Sequence length S, at least 1.</param>
    /// <returns>The count.</returns>
    public long MultiplyAccumulates(int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 1);
        long s = tokens, d = StreamWidth;
        long total = HeadMultiplyAccumulates(s) + (EmbeddingNorm && !NormAfterSum ? 4 : 2) * s * HiddenSize;
        for (int layer = 0; layer < Layers.Count; layer++)
        {
            LayerSpec shape = Layers[layer];
            total += Linears(layer).Concat(Shortcuts(layer)).Sum(l => s * l.OutFeatures * l.InFeatures);
            total += shape.Heads * (2 * s * s * shape.HeadSize + s * s);
            long perHead = Positions == PositionKind.Rotary ? RotaryWidth(shape.HeadSize) : 0;
            if (QueryKeyNorm) perHead += shape.HeadSize;
            total += 2 * s * (shape.Heads + shape.KeyValueHeads) * perHead;
            total += s * shape.MlpWidth + (PostNorms ? 8 : 4) * s * d;
        }

        return total;
    }

    private long HeadMultiplyAccumulates(long tokens)
    {
        long square = (long)HiddenSize * HiddenSize;
        long total = PredictsTokens ? tokens * VocabularySize * HiddenSize : 0;
        if (Encoder is null) return total;
        if (Encoder.IsMaskedLanguageModel) total += tokens * (square + 2 * HiddenSize);
        if (Encoder.Pooler is not null) total += square;
        return total + (long)Encoder.Labels.Count * HiddenSize;
    }

    private IEnumerable<ParameterSpec> EndParameters()
    {
        if (!NormAfterSum)
            foreach (ParameterSpec p in NormParameters(-1, "", TensorNames.LastNorm, HiddenSize)) yield return p;
        if (Encoder?.Pooler is not null)
            foreach (ParameterSpec p in HeadLinear(TensorNames.Pooler, HiddenSize)) yield return p;
        if (Encoder is { IsClassifier: true })
            foreach (ParameterSpec p in HeadLinear(TensorNames.Classifier, Encoder.Labels.Count)) yield return p;
        if (Encoder is { IsMaskedLanguageModel: true })
        {
            foreach (ParameterSpec p in HeadLinear(TensorNames.HeadTransform, HiddenSize)) yield return p;
            foreach (ParameterSpec p in NormParameters(-1, "", TensorNames.HeadNorm, HiddenSize)) yield return p;
        }

        if (!PredictsTokens) yield break;
        if (!TiedHead) yield return new(TensorNames.Head, [VocabularySize, HiddenSize], ParameterRole.Head, -1, "");
        if (HeadBias) yield return new(TensorNames.HeadBias, [VocabularySize], ParameterRole.Bias, -1, "");
    }

    private IEnumerable<ParameterSpec> HeadLinear(string name, int rows) =>
    [
        new(name + ".weight", [rows, HiddenSize], ParameterRole.Head, -1, ""),
        new(name + ".bias", [rows], ParameterRole.Bias, -1, ""),
    ];

    private IEnumerable<ParameterSpec> LayerNorm(int layer, string part) =>
        NormParameters(layer, part, TensorNames.Name(layer, part), HiddenSize);

    private IEnumerable<ParameterSpec> NormParameters(int layer, string part, string name, int width)
    {
        if (Norm == NormKind.PlainRmsNorm) yield break;
        yield return new(name + ".weight", [width], ParameterRole.Norm, layer, part);
        if (NormsHaveBias) yield return new(name + ".bias", [width], ParameterRole.Norm, layer, part);
    }
}
