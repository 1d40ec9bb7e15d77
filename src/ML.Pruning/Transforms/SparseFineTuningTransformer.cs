using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Models;
using ML.Pruning.Recovery;

namespace ML.Pruning.Transforms;

/// <summary>Puts a fine-tuned sparse language model into a column. Made by
/// <see cref="SparseFineTuningEstimator"/>.</summary>
public sealed class SparseFineTuningTransformer : ModelChangingTransformer<SparseFineTuneReport>
{
    internal const string LoaderSignature = "SparseFineTuning";
    private const string ModelSignature = "LLMSPAFT";

    internal SparseFineTuningTransformer(IHostEnvironment env, LanguageModel model, string outputColumnName,
        string? inputColumnName, SparseFineTuneReport? report = null)
        : base(env, nameof(SparseFineTuningTransformer), model, outputColumnName, inputColumnName, report)
    {
    }

    internal override ModelYieldingTransformer WithModel(LanguageModel model) =>
        new SparseFineTuningTransformer(Host, model, OutputColumnName, InputColumnName, Report)
        {
            FittedSchema = FittedSchema,
        };

    private protected override (string Model, string Loader) Signatures => (ModelSignature, LoaderSignature);

    private static SparseFineTuningTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        (SavedColumns columns, LanguageModel model) = Load(env, ctx, ModelSignature, LoaderSignature);
        return new SparseFineTuningTransformer(env, model, columns.OutputColumnName, columns.InputColumnName);
    }
}
