using System.Collections.Immutable;
using ML.Pruning.Checkpoints;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Models;

/// <summary>What a <see cref="LanguageModel"/> is made of; copy it with changes to make another.</summary>
public sealed record LanguageModelContent
{
    /// <summary>The shape.</summary>
    public required ModelSpec Spec { get; init; }

    /// <summary>Weights by canonical name, or null when they were left out.</summary>
    public required IReadOnlyDictionary<string, StoredTensor>? Weights { get; init; }

    /// <summary>Why the weights are not here, for whoever asks for them.</summary>
    public string? WhyNoWeights { get; init; }

    /// <summary>The files that the weights are mapped from, one reference to each.</summary>
    public ImmutableArray<SafetensorsFile> Files { get; init; } = [];

    /// <summary>The content of config.json.</summary>
    public required string ConfigJson { get; init; }

    /// <summary>The tokenizer, if there is one.</summary>
    public HuggingFaceTokenizer? Tokenizer { get; init; }

    /// <summary>Files that travel along unchanged, by name.</summary>
    public IReadOnlyDictionary<string, byte[]> SideFiles { get; init; } = ImmutableDictionary<string, byte[]>.Empty;

    /// <summary>What was done to the model.</summary>
    public IReadOnlyList<ProvenanceStep> Provenance { get; init; } = [];

    /// <summary>Weights whose zeros are a mask.</summary>
    public IReadOnlySet<string> MaskedTensors { get; init; } = ImmutableHashSet<string>.Empty;

    /// <summary>The content hash, when it is known already.</summary>
    public string? ContentHash { get; init; }
}
