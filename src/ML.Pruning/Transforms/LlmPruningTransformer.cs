using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Models;
using ML.Pruning.Pruning;

namespace ML.Pruning.Transforms;

/// <summary>Puts a pruned language model into a column. Made by <see cref="LlmPruningEstimator"/>.</summary>
public sealed class LlmPruningTransformer : ModelYieldingTransformer
{
    internal const string LoaderSignature = "LlmPruningTransformer";
    private const string ModelSignature = "LLMPRUNE";
    private readonly string? _inputColumnName;

    internal LlmPruningTransformer(IHostEnvironment env, LanguageModel model, string outputColumnName,
        string? inputColumnName, PruningReport? report = null)
        : base(env, nameof(LlmPruningTransformer), model, outputColumnName)
    {
        _inputColumnName = inputColumnName;
        Report = report;
    }

    /// <summary>What the pruning did; null after loading from a file.</summary>
    public PruningReport? Report { get; }

    // A stage that starts a pipeline has loaded its model itself and needs no input.
    internal override IReadOnlyList<StageColumn> Inputs =>
        _inputColumnName is null ? [] : [StageColumn.Model(_inputColumnName)];

    internal override ModelYieldingTransformer WithModel(LanguageModel model) =>
        new LlmPruningTransformer(Host, model, OutputColumnName, _inputColumnName, Report) { FittedSchema = FittedSchema };

    private protected override void Save(ModelSaveContext ctx)
    {
        MLNetInternals.BeginSave(ctx, ModelSignature, LoaderSignature,
            JsonSerializer.Serialize(new SavedOptions(OutputColumnName, _inputColumnName)));
        StagePayload.Save(ctx, Model);
    }

    private static LlmPruningTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        SavedOptions options = StagePayload.ReadOptions<SavedOptions>(
            MLNetInternals.BeginLoad(ctx, ModelSignature, LoaderSignature));
        return new LlmPruningTransformer(
            env, StagePayload.Load(env, ctx), options.OutputColumnName, options.InputColumnName);
    }

    private sealed record SavedOptions(string OutputColumnName, string? InputColumnName);
}
