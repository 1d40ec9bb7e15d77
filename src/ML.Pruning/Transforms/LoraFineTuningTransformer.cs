using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Models;
using ML.Pruning.Recovery;

namespace ML.Pruning.Transforms;

/// <summary>Puts a language model that was trained with LoRA into a column. Made by
/// <see cref="LoraFineTuningEstimator"/>.</summary>
public sealed class LoraFineTuningTransformer : ModelYieldingTransformer
{
    internal const string LoaderSignature = "LoraFineTuning";
    private const string ModelSignature = "LLMLORA ";
    private readonly string _inputColumnName;

    internal LoraFineTuningTransformer(IHostEnvironment env, LanguageModel model, string outputColumnName,
        string inputColumnName, TrainingReport? report = null)
        : base(env, nameof(LoraFineTuningTransformer), model, outputColumnName)
    {
        _inputColumnName = inputColumnName;
        Report = report;
    }

    /// <summary>How the training went; null after loading from a file.</summary>
    public TrainingReport? Report { get; }

    internal override IReadOnlyList<StageColumn> Inputs => [StageColumn.Model(_inputColumnName)];

    internal override ModelYieldingTransformer WithModel(LanguageModel model) => new LoraFineTuningTransformer(
        Host, model, OutputColumnName, _inputColumnName, Report) { FittedSchema = FittedSchema };

    private protected override void Save(ModelSaveContext ctx)
    {
        MLNetInternals.BeginSave(ctx, ModelSignature, LoaderSignature,
            JsonSerializer.Serialize(new SavedOptions(OutputColumnName, _inputColumnName)));
        StagePayload.Save(ctx, Model);
    }

    private static LoraFineTuningTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        SavedOptions options = StagePayload.ReadOptions<SavedOptions>(
            MLNetInternals.BeginLoad(ctx, ModelSignature, LoaderSignature));
        return new LoraFineTuningTransformer(
            env, StagePayload.Load(env, ctx), options.OutputColumnName, options.InputColumnName);
    }

    private sealed record SavedOptions(string OutputColumnName, string InputColumnName);
}
