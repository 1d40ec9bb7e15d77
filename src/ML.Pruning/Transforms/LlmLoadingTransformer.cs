using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Puts a language model that was loaded into a column. Made by <see cref="LlmLoadingEstimator"/>.</summary>
public sealed class LlmLoadingTransformer : ModelYieldingTransformer
{
    internal const string LoaderSignature = "LlmLoadingTransformer";
    private const string ModelSignature = "LLMLOAD ";

    internal LlmLoadingTransformer(IHostEnvironment env, LanguageModel model, string outputColumnName)
        : base(env, nameof(LlmLoadingTransformer), model, outputColumnName)
    {
    }

    internal override IReadOnlyList<StageColumn> Inputs => [];

    internal override ModelYieldingTransformer WithModel(LanguageModel model) =>
        new LlmLoadingTransformer(Host, model, OutputColumnName) { FittedSchema = FittedSchema };

    private protected override void Save(ModelSaveContext ctx)
    {
        MLNetInternals.BeginSave(ctx, ModelSignature, LoaderSignature,
            JsonSerializer.Serialize(new SavedOptions(OutputColumnName)));
        StagePayload.Save(ctx, Model);
    }

    // Found by name by ML.NET's component catalog.
    private static LlmLoadingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        SavedOptions options = StagePayload.ReadOptions<SavedOptions>(
            MLNetInternals.BeginLoad(ctx, ModelSignature, LoaderSignature));
        return new LlmLoadingTransformer(env, StagePayload.Load(env, ctx), options.OutputColumnName);
    }

    private sealed record SavedOptions(string OutputColumnName);
}
