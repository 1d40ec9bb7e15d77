namespace ML.Pruning.Models;

/// <content>The checks of a spec.</content>
public sealed partial record ModelSpec
{
    /// <summary>Checks that the numbers make a model.</summary>
    /// <returns>This spec.</returns>
    /// <exception cref="ModelFormatException">A number is out of range; the message names it.</exception>
    public ModelSpec Validate()
    {
        RequirePositive(VocabularySize, "vocabulary size");
        RequirePositive(HiddenSize, "hidden size");
        RequirePositive(ContextLength, "context length");
        if (!(NormEpsilon > 0 && NormEpsilon < 1))
            throw new ModelFormatException($"The norm epsilon is {NormEpsilon}; it must lie between 0 and 1.");
        if (!(RopeTheta > 0) || !double.IsFinite(RopeTheta))
            throw new ModelFormatException($"The rotary base is {RopeTheta}; it must be positive.");
        if (SlidingWindow is { } window) RequirePositive(window, "sliding window");
        if (!(RotaryFraction > 0 && RotaryFraction <= 1))
        {
            throw new ModelFormatException($"The fraction of rotary dimensions is {RotaryFraction}; it must lie "
                + "between 0 and 1.");
        }

        RequirePositive(EmbeddingScale, "scale of the embeddings");
        RequirePositive(AttentionScale, "scale of attention scores");
        RequirePositive(AttentionSoftCap, "soft cap of attention scores");
        RequirePositive(LogitSoftCap, "soft cap of logits");
        RequirePositive(QueryKeyValueClip, "clip of queries, keys and values");
        if (!double.IsFinite(NormGainOffset))
            throw new ModelFormatException($"The offset of norm gains is {NormGainOffset}; it must be finite.");
        if (HeadBias && TiedHead && Encoder is null) throw new ModelFormatException("A head that is tied to the "
            + "embedding has no bias.");
        if (ResidualWidth is { } stream)
        {
            RequirePositive(stream, "width of the residual stream");
            if (stream > HiddenSize || Norm != NormKind.PlainRmsNorm || TiedHead || EmbeddingNorm || PostNorms)
            {
                throw new ModelFormatException(
                    $"The residual stream is sliced to {stream} of {HiddenSize}; it must not be "
                    + "wider, and such a model has plain norms, none of embeddings or of what layers yield, and a head "
                    + "of its own.");
            }
        }

        ValidateEncoder();
        if (Layers.Count == 0) throw new ModelFormatException("The model has no layers.");
        for (int i = 0; i < Layers.Count; i++) ValidateLayer(i);
        ValidateAdapters();
        return this;
    }

    private void ValidateEncoder()
    {
        if (NormAfterSum && (PostNorms || ParallelResidual || Norm != NormKind.LayerNorm))
        {
            throw new ModelFormatException("Norms after the residual sums are LayerNorms, and the only norms of a "
                + "layer whose halves follow each other.");
        }

        if (NormAfterSum != (Encoder is not null))
            throw new ModelFormatException("Encoders, and only they, have their norms after the residual sums.");
        if (Encoder is null) return;
        if (Encoder.TokenTypes is < 0 or > 1024)
            throw new ModelFormatException($"There are {Encoder.TokenTypes} token types; 0 to 1024 are legal.");
        if (Encoder.IsClassifier != (Encoder.Labels.Count > 1) || Encoder.IsClassifier && Encoder.Pooler is null)
        {
            throw new ModelFormatException($"The encoder has {Encoder.Labels.Count} labels and "
                + $"{(Encoder.Pooler is null ? "no" : "a")} pooler; a classifier has at least two labels and a pooler, "
                + "any other encoder no labels.");
        }

        if (Encoder.PadTokenId < 0 || Encoder.PadTokenId >= VocabularySize)
        {
            throw new ModelFormatException($"The padding token is {Encoder.PadTokenId}; it must lie between 0 and "
                + $"{VocabularySize - 1}.");
        }
    }

    private void ValidateAdapters()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (AdapterSpec adapter in Adapters)
        {
            if (adapter.Layer < 0 || adapter.Layer >= Layers.Count
                || Linears(adapter.Layer).All(linear => linear.Part != adapter.Part))
            {
                throw new ModelFormatException($"There is an adapter for '{adapter.WeightName}', which is no weight of "
                    + "a linear map of the model.");
            }

            if (!seen.Add(adapter.WeightName))
                throw new ModelFormatException($"There are two adapters for '{adapter.WeightName}'; one is possible.");
            RequirePositive(adapter.Rank, $"rank of the adapter for '{adapter.WeightName}'");
            if (!double.IsFinite(adapter.Alpha))
                throw new ModelFormatException($"Alpha of the adapter for '{adapter.WeightName}' is {adapter.Alpha}.");
        }
    }

    private LinearParts AllLinears => TensorNames.LinearMaps.Select(m => m.Flag)
        .Where(flag => GatedMlp || flag != LinearParts.Gate).Aggregate((all, flag) => all | flag);

    private static void RequirePositive(int value, string what)
    {
        if (value < 1 || value > 1 << 28)
            throw new ModelFormatException($"The {what} is {value}; it must lie between 1 and {1 << 28}.");
    }

    private static void RequirePositive(double? value, string what)
    {
        if (value is { } number && !(number > 0 && double.IsFinite(number)))
            throw new ModelFormatException($"The {what} is {number}; it must be positive.");
    }

    private void ValidateLayer(int index)
    {
        LayerSpec layer = Layers[index];
        RequirePositive(layer.Heads, $"number of heads of layer {index}");
        RequirePositive(layer.KeyValueHeads, $"number of key/value heads of layer {index}");
        RequirePositive(layer.HeadSize, $"head size of layer {index}");
        RequirePositive(layer.MlpWidth, $"MLP width of layer {index}");
        if ((layer.AddedBiases & ~AllLinears) != 0)
        {
            throw new ModelFormatException($"Layer {index} adds biases to {layer.AddedBiases}; it has the linear maps "
                + $"{AllLinears}.");
        }

        if (layer.Heads % layer.KeyValueHeads != 0)
        {
            throw new ModelFormatException($"Layer {index} has {layer.Heads} heads and {layer.KeyValueHeads} key/value "
                + "heads; the first must be a multiple of the second.");
        }

        ValidatePositions(index, layer);
    }

    private void ValidatePositions(int index, LayerSpec layer)
    {
        int turned = RotaryWidth(layer.HeadSize);
        if (Positions == PositionKind.Rotary && (turned < 2 || turned % 2 != 0))
        {
            throw new ModelFormatException($"Layer {index} has head size {layer.HeadSize}; "
                + (RotaryFraction == 1 ? "rotary positions need an even one."
                    : $"of it {turned} dimensions would turn, and rotary positions need an even number."));
        }

        if (Positions == PositionKind.Rotary && RopeScaling is { Kind: RopeScalingKind.LongRope } scaling)
        {
            foreach (IReadOnlyList<double> factors
                in (IReadOnlyList<double>[])[scaling.ShortFactors, scaling.LongFactors])
            {
                if (factors.Count == turned / 2 && factors.All(f => f > 0 && double.IsFinite(f))) continue;
                throw new ModelFormatException($"The rotary scaling has {factors.Count} factors; layer {index} needs "
                    + $"{turned / 2}, each positive: one for each pair of turning dimensions.");
            }
        }

        bool needsSlopes = Positions == PositionKind.Alibi;
        if ((layer.AlibiSlopes?.Count ?? 0) != (needsSlopes ? layer.Heads : 0))
        {
            throw new ModelFormatException($"Layer {index} has {layer.AlibiSlopes?.Count ?? 0} ALiBi slopes; it needs "
                + (needsSlopes
                    ? $"{layer.Heads}, one for each query head."
                    : "none, for its positions are not ALiBi."));
        }

        if (layer.AlibiSlopes is { } slopes && !slopes.All(s => s > 0 && double.IsFinite(s)))
            throw new ModelFormatException($"Layer {index} has an ALiBi slope that is not positive.");
    }
}
