using System.Collections.Concurrent;
using System.Collections.Immutable;
using ML.Pruning.Checkpoints;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Models;

/// <summary>A language model as a value: what it is (<see cref="Spec"/>), its weights (mapped from files, read when
/// asked for), its tokenizer, and what was done to it.</summary>
/// <remarks>
/// Immutable: every stage takes one and yields a new one, and weights that did not change are shared. Thread-safe.
/// Dispose it when done; files and engines go when the last model that uses them is disposed or collected.
/// </remarks>
public sealed class LanguageModel : IDisposable
{
    private readonly IReadOnlyDictionary<string, StoredTensor>? _weights;
    private readonly ImmutableArray<SafetensorsFile> _files;
    private readonly string _configJson;
    private readonly ConcurrentDictionary<string, Lazy<ILanguageModelEngine>> _engines = new(StringComparer.Ordinal);
    private readonly Lazy<string> _contentHash;
    private readonly Lazy<LanguageModel> _merged;
    private int _disposed;

    /// <summary>Creates a model.</summary>
    /// <param name="content">What it is made of. Ownership of one reference to each file passes to the model.</param>
    /// <exception cref="ModelFormatException">The tokenizer has more tokens than the model, or a weight is
    /// missing.</exception>
    public LanguageModel(LanguageModelContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        Spec = content.Spec.Validate();
        _weights = content.Weights;
        WhyNoWeights = content.WhyNoWeights;
        _files = [.. content.Files];
        _configJson = content.ConfigJson;
        Tokenizer = content.Tokenizer;
        SideFiles = content.SideFiles;
        Provenance = content.Provenance;
        MaskedTensors = content.MaskedTensors;
        _contentHash = new Lazy<string>(() => content.ContentHash ?? Models.ContentHash.Of(this));
        _merged = new Lazy<LanguageModel>(() => Spec.Adapters.Count == 0 ? this : Merged());
        CheckTokenizer();
        CheckWeights();
    }

    /// <summary>The shape of the model.</summary>
    public ModelSpec Spec { get; }

    /// <summary>The tokenizer; null when the model came without one.</summary>
    public HuggingFaceTokenizer? Tokenizer { get; }

    /// <summary>Files of the Hugging Face folder that travel along unchanged (tokenizer and the like), by
    /// name.</summary>
    public IReadOnlyDictionary<string, byte[]> SideFiles { get; }

    /// <summary>What was done to the model, first to last.</summary>
    public IReadOnlyList<ProvenanceStep> Provenance { get; }

    /// <summary>Canonical names of the weights whose zeros are a mask that fine-tuning keeps.</summary>
    public IReadOnlySet<string> MaskedTensors { get; }

    /// <summary>The configuration that the model came with, updated to its shape.</summary>
    public string ConfigJson => _configJson;

    /// <summary>Whether the weights are here; false after they were left out of a saved chain.</summary>
    public bool HasWeights => _weights is not null;

    /// <summary>The weights by canonical name.</summary>
    /// <exception cref="InvalidOperationException">The weights were left out; the message says by what, and the
    /// remedy.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public IReadOnlyDictionary<string, StoredTensor> Weights
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            return _weights ?? throw new InvalidOperationException(WhyNoWeights);
        }
    }

    /// <summary>SHA-256 over shape and weights, lower-case hexadecimal; computed once, when asked for.</summary>
    public string ContentHash => _contentHash.Value;

    /// <summary>What left the weights out, and the remedy; null when they are here.</summary>
    public string? WhyNoWeights { get; }

    /// <summary>The tokenizer, which the caller cannot do without.</summary>
    /// <returns>The tokenizer.</returns>
    /// <exception cref="InvalidOperationException">The model came without one.</exception>
    public HuggingFaceTokenizer RequireTokenizer() => Tokenizer ?? throw new InvalidOperationException(
        "The model has no tokenizer; put tokenizer.json (or tokenizer.model) beside its config.json.");

    /// <summary>The content of this model, to build a changed one from. Every file in it has a reference of its own,
    /// which the new model takes over.</summary>
    /// <returns>The content.</returns>
    public LanguageModelContent ToContent()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        foreach (SafetensorsFile file in _files) file.AddReference();
        return new LanguageModelContent
        {
            Spec = Spec,
            Weights = _weights,
            WhyNoWeights = WhyNoWeights,
            Files = _files,
            ConfigJson = _configJson,
            Tokenizer = Tokenizer,
            SideFiles = SideFiles,
            Provenance = Provenance,
            MaskedTensors = MaskedTensors,
        };
    }

    /// <summary>This model with its weights left out.</summary>
    /// <param name="reason">What to tell someone who asks for the weights: what left them out, and the remedy.</param>
    /// <returns>A model that knows its shape, tokenizer and content hash.</returns>
    public LanguageModel WithoutWeights(string reason) => new(new LanguageModelContent
    {
        Spec = Spec,
        Weights = null,
        WhyNoWeights = reason,
        ConfigJson = _configJson,
        Tokenizer = Tokenizer,
        SideFiles = SideFiles,
        Provenance = Provenance,
        MaskedTensors = MaskedTensors,
        ContentHash = ContentHash,
    });

    /// <summary>This model with weights on integer grids replaced by the float32 weights that they stand for. It scores
    /// the same.</summary>
    /// <returns>A model that the caller disposes; its files are shared.</returns>
    public LanguageModel Dequantized() => new(ToContent() with
    {
        Weights = Weights.ToDictionary(
            w => w.Key, w => (w.Value as QuantizedTensor)?.Dequantized() ?? w.Value, StringComparer.Ordinal),
        ContentHash = null,
    });

    /// <summary>This model with its adapters merged into the weights, which are computed when they are read. It scores
    /// the same, up to rounding.</summary>
    /// <remarks>A merged weight has the type of the weight before (float32 if that was on an integer grid).</remarks>
    /// <returns>A model without adapters that the caller disposes; its files are shared.</returns>
    public LanguageModel Merged()
    {
        var weights = Weights.ToDictionary(w => w.Key, w => w.Value, StringComparer.Ordinal);
        foreach (AdapterSpec adapter in Spec.Adapters)
            weights[adapter.WeightName] = new AdaptedTensor(Weights[adapter.WeightName], adapter, Weights);
        return Bare(weights);
    }

    /// <summary>This model without its adapters: the weights that they were trained for.</summary>
    /// <returns>A model that the caller disposes; its files are shared.</returns>
    public LanguageModel WithoutAdapters() =>
        Bare(Weights.ToDictionary(w => w.Key, w => w.Value, StringComparer.Ordinal));

    /// <summary>The engine of a name, made on first use and disposed with the model. It runs the model with its
    /// adapters merged.</summary>
    /// <param name="name">Name of the engine.</param>
    /// <param name="create">Makes it; the model that it is given lives as long as this one.</param>
    /// <returns>The engine.</returns>
    public ILanguageModelEngine GetEngine(string name, Func<LanguageModel, ILanguageModelEngine> create)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return _engines.GetOrAdd(name, _ => new Lazy<ILanguageModelEngine>(() => create(_merged.Value))).Value;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        foreach (Lazy<ILanguageModelEngine> engine in _engines.Values)
            if (engine.IsValueCreated) engine.Value.Dispose();
        if (_merged.IsValueCreated && _merged.Value != this) _merged.Value.Dispose();
        foreach (SafetensorsFile file in _files) file.Dispose();
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Spec.Family}, {Spec.Layers.Count} layers, {Spec.ParameterCount:N0} parameters";

    private LanguageModel Bare(Dictionary<string, StoredTensor> weights)
    {
        foreach (ParameterSpec parameter in Spec.AdapterParameters()) weights.Remove(parameter.Name);
        return new LanguageModel(ToContent() with { Spec = Spec with { Adapters = [] }, Weights = weights });
    }

    private void CheckTokenizer()
    {
        if (Tokenizer is not null && Tokenizer.VocabularySize > Spec.VocabularySize)
        {
            throw new ModelFormatException($"The tokenizer has {Tokenizer.VocabularySize} tokens, but the model's "
                + $"vocabulary has only {Spec.VocabularySize}: they do not belong together.");
        }
    }

    private void CheckWeights()
    {
        if (_weights is null) return;
        foreach (ParameterSpec parameter in Spec.Parameters().Concat(Spec.AdapterParameters()))
        {
            if (!_weights.TryGetValue(parameter.Name, out StoredTensor? tensor))
                throw new ModelFormatException($"The weight '{parameter.Name}' is missing.");
            if (!tensor.Shape.SequenceEqual(parameter.Shape))
            {
                throw new ModelFormatException($"The weight '{parameter.Name}' has shape "
                    + $"[{string.Join(", ", tensor.Shape)}]; the specification calls for "
                    + $"[{string.Join(", ", parameter.Shape)}].");
            }
        }
    }
}
