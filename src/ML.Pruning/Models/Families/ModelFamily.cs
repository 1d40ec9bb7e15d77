using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>One model family: how its config.json becomes a <see cref="ModelSpec"/> and back, and how its tensor names
/// become canonical ones. A new family is one subclass in one file, listed in <see cref="FamilyRegistry"/>.</summary>
/// <remarks>Thread-safe: families hold no state.</remarks>
public abstract class ModelFamily
{
    private const string ResidualWidthKey = "residual_width";

    /// <summary>The <c>model_type</c> of config.json.</summary>
    public abstract string ModelType { get; }

    /// <summary>The prefix of most tensor names, such as <c>model.</c>.</summary>
    public abstract string Prefix { get; }

    /// <summary>Prefixes that checkpoints have in its place.</summary>
    public virtual IReadOnlyList<string> OtherPrefixes => [""];

    /// <summary>Name of the language-model head, which stands without a prefix.</summary>
    public virtual string HeadName => TensorNames.Head;

    /// <summary>Name of the bias of the head, which stands without a prefix.</summary>
    private protected virtual string HeadBiasName => TensorNames.HeadBias;

    /// <summary>Tensors that checkpoints may repeat: names in the checkpoint, prefix included, and canonical names of
    /// what they must be equal to.</summary>
    /// <param name="spec">The spec.</param>
    internal virtual IEnumerable<(string Source, string Canonical)> Copies(ModelSpec spec) =>
        spec.TiedHead && spec.PredictsTokens ? [(HeadName, TensorNames.Embedding)] : [];

    /// <summary>Another name that old checkpoints have for a tensor.</summary>
    /// <param name="name">Name without the prefix.</param>
    /// <returns>The other one, or null.</returns>
    internal virtual string? OldName(string name) => null;

    /// <summary>Tensors of heads that the architecture named in config.json has not, left over from training; they are
    /// skipped.</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="name">Name without the prefix.</param>
    internal virtual bool IsLeftOut(ModelSpec spec, string name) => false;

    /// <summary>Tensors that checkpoints carry although they hold no parameter (caches); they are skipped.</summary>
    /// <param name="name">Name without the prefix.</param>
    /// <returns>Whether to skip it.</returns>
    public virtual bool IsNoParameter(string name) =>
        name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal);

    /// <summary>Reads a configuration.</summary>
    /// <param name="config">The content of config.json.</param>
    /// <returns>The spec, validated.</returns>
    /// <exception cref="ModelFormatException">A value is missing, out of range or not supported.</exception>
    public ModelSpec ReadConfig(JsonObject config)
    {
        var reader = new ConfigReader(config);
        ModelSpec spec = Read(reader);
        if (reader.IntOrNull(ResidualWidthKey) is { } width) spec = spec.Folded() with { ResidualWidth = width };
        reader.RefuseUnsupported(ModelType);
        return spec.Validate();
    }

    /// <summary>Writes the shape of a spec into a configuration, leaving every other value as it is.</summary>
    /// <remarks>Layers of one shape are written in the family's own keys, so that other software reads the result.
    /// Layers of several shapes, or of one that the family's keys cannot say, are declared as <c>layer_shapes</c>,
    /// which this library reads, and so is the <c>residual_width</c> of a sliced model.</remarks>
    /// <param name="spec">The spec.</param>
    /// <param name="config">The configuration to update.</param>
    public void WriteConfig(ModelSpec spec, JsonObject config)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(config);
        Write(spec, config);
        config.Remove(LayerShapes.Key);
        config.Remove(ResidualWidthKey);
        if (spec.ResidualWidth is { } width) config[ResidualWidthKey] = width;
        if (!spec.IsUniform || !CanExpress(spec, spec.Layers[0]))
            config[LayerShapes.Key] = LayerShapes.Write(spec.Layers);
    }

    /// <summary>The tensors of a checkpoint of this family, in the order in which they are written.</summary>
    /// <param name="spec">The spec.</param>
    /// <returns>One mapping a tensor; together they cover <see cref="ModelSpec.Parameters"/> exactly.</returns>
    public abstract IEnumerable<TensorMapping> MapTensors(ModelSpec spec);

    /// <summary>Tensors that no family has and methods add: shortcuts, and the bias of the head.</summary>
    /// <param name="spec">The spec.</param>
    private protected IEnumerable<TensorMapping> MapAddedTensors(ModelSpec spec)
    {
        for (int layer = 0; layer < spec.Layers.Count; layer++)
        {
            foreach (LinearSpec shortcut in spec.Shortcuts(layer))
                yield return TensorMapping.Plain(shortcut.WeightName, shortcut.WeightName);
        }

        if (spec.HeadBias) yield return TensorMapping.Plain(HeadBiasName, TensorNames.HeadBias, hasPrefix: false);
    }

    /// <summary>Whether the family's own keys can say the shape of a layer.</summary>
    private protected virtual bool CanExpress(ModelSpec spec, LayerSpec layer) => true;

    /// <summary>Reads the family's own keys.</summary>
    private protected abstract ModelSpec Read(ConfigReader config);

    /// <summary>Writes the family's own keys; when the layers differ, those of the first layer.</summary>
    private protected abstract void Write(ModelSpec spec, JsonObject config);
}
