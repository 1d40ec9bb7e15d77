using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Models;
using ML.Pruning.Recovery;

namespace ML.Pruning.Transforms;

/// <summary>Puts a fine-tuned sparse language model into a column. Made by
/// <see cref="SparseFineTuningEstimator"/>.</summary>
public sealed class SparseFineTuningTransformer : ModelYieldingTransformer
{
    internal const string LoaderSignature = "SparseFineTuning";
    private const string ModelSignature = "LLMSPAFT";
    private readonly string _inputColumnName;

    internal SparseFineTuningTransformer(IHostEnvironment env, LanguageModel model, string outputColumnName,
        string inputColumnName, SparseFineTuneReport? report = null)
        : base(env, nameof(SparseFineTuningTransformer), model, outputColumnName)
    {
        _inputColumnName = inputColumnName;
        Report = report;
    }

    /// <summary>How the training went; null after loading from a file.</summary>
    public SparseFineTuneReport? Report { get; }

    internal override IReadOnlyList<StageColumn> Inputs => [StageColumn.Model(_inputColumnName)];

    internal override ModelYieldingTransformer WithModel(LanguageModel model) =>
        new SparseFineTuningTransformer(Host, model, OutputColumnName, _inputColumnName, Report)
        {
            FittedSchema = FittedSchema,
        };

    private protected override void Save(ModelSaveContext ctx)
    {
        MLNetInternals.BeginSave(ctx, ModelSignature, LoaderSignature,
            JsonSerializer.Serialize(new SavedOptions(OutputColumnName, _inputColumnName)));
        StagePayload.Save(ctx, Model);
    }

    private static SparseFineTuningTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        SavedOptions options = StagePayload.ReadOptions<SavedOptions>(
            MLNetInternals.BeginLoad(ctx, ModelSignature, LoaderSignature));
        return new SparseFineTuningTransformer(
            env, StagePayload.Load(env, ctx), options.OutputColumnName, options.InputColumnName);
    }

    private sealed record SavedOptions(string OutputColumnName, string InputColumnName);
}
