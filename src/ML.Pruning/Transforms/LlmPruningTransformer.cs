using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Models;
using ML.Pruning.Pruning;

namespace ML.Pruning.Transforms;

/// <summary>Puts a pruned language model into a column. Made by <see cref="LlmPruningEstimator"/>.</summary>
public sealed class LlmPruningTransformer : ModelChangingTransformer<PruningReport>
{
    internal const string LoaderSignature = "LlmPruningTransformer";
    private const string ModelSignature = "LLMPRUNE";

    internal LlmPruningTransformer(IHostEnvironment env, LanguageModel model, string outputColumnName,
        string? inputColumnName, PruningReport? report = null)
        : base(env, nameof(LlmPruningTransformer), model, outputColumnName, inputColumnName, report)
    {
    }

    internal override ModelYieldingTransformer WithModel(LanguageModel model) =>
        new LlmPruningTransformer(Host, model, OutputColumnName, InputColumnName, Report)
        {
            FittedSchema = FittedSchema,
        };

    private protected override (string Model, string Loader) Signatures => (ModelSignature, LoaderSignature);

    private static LlmPruningTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        (SavedColumns columns, LanguageModel model) = Load(env, ctx, ModelSignature, LoaderSignature);
        return new LlmPruningTransformer(env, model, columns.OutputColumnName, columns.InputColumnName);
    }
}
