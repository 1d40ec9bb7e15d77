using Microsoft.ML.Data;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Marks a property of type <see cref="LanguageModel"/> of a row class as a model column.</summary>
[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class LanguageModelTypeAttribute : DataViewTypeAttribute
{
    /// <inheritdoc/>
    public override bool Equals(DataViewTypeAttribute? other) => other is LanguageModelTypeAttribute;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is LanguageModelTypeAttribute;

    /// <inheritdoc/>
    public override int GetHashCode() => typeof(LanguageModelTypeAttribute).GetHashCode();

    /// <inheritdoc/>
    public override void Register() =>
        DataViewTypeManager.Register(LanguageModelDataViewType.Instance, typeof(LanguageModel), this);
}
