using Microsoft.ML.Data;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>The type of a column that carries a language model; every row holds the same reference. Two models in one
/// pipeline (teacher and student) are two columns.</summary>
/// <remarks>A structured type, as images are in ML.NET. ML.NET's caching and row shuffling keep only primitive and
/// vector columns: put <c>AppendCacheCheckpoint</c> and <c>ShuffleRows</c> before the stage that yields the
/// model.</remarks>
public sealed class LanguageModelDataViewType : StructuredDataViewType
{
    private LanguageModelDataViewType()
        : base(typeof(LanguageModel))
    {
    }

    /// <summary>The one instance.</summary>
    public static LanguageModelDataViewType Instance { get; } = new();

    /// <inheritdoc/>
    public override bool Equals(DataViewType? other) => other is LanguageModelDataViewType;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is LanguageModelDataViewType;

    /// <inheritdoc/>
    public override int GetHashCode() => typeof(LanguageModelDataViewType).GetHashCode();

    /// <inheritdoc/>
    public override string ToString() => "LanguageModel";
}
