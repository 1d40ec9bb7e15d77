using System.Collections.Immutable;
using ML.Pruning.Models;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Recovery;

/// <summary>Which weights have zeros that recovery keeps.</summary>
internal static class KeptZeros
{
    // Of a model that does not say which zeros are a mask, sparser matrices than this are taken to have one.
    private const double LeastSparsity = 0.1;

    /// <summary>The weights whose zeros are kept: <see cref="LanguageModel.MaskedTensors"/> or, if the model names none
    /// (other software has pruned it), linear maps with at least a tenth of zeros.</summary>
    /// <param name="model">The model, with weights.</param>
    /// <param name="cancellationToken">Stops between weights.</param>
    /// <returns>Canonical names.</returns>
    public static IReadOnlySet<string> Of(LanguageModel model, CancellationToken cancellationToken)
    {
        if (model.MaskedTensors.Count > 0) return model.MaskedTensors;
        return model.Spec.Parameters().Where(p => p.Role == ParameterRole.Linear
                && TensorCensus.Take(model.Weights[p.Name], cancellationToken).Zeros >= LeastSparsity * p.Count)
            .Select(p => p.Name).ToImmutableHashSet(StringComparer.Ordinal);
    }
}
