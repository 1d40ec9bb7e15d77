using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Models;
using ML.Pruning.Recovery;

namespace ML.Pruning.Transforms;

/// <summary>Puts a language model that was trained with LoRA into a column. Made by
/// <see cref="LoraFineTuningEstimator"/>.</summary>
public sealed class LoraFineTuningTransformer : ModelChangingTransformer<TrainingReport>
{
    internal const string LoaderSignature = "LoraFineTuning";
    private const string ModelSignature = "LLMLORA ";

    internal LoraFineTuningTransformer(IHostEnvironment env, LanguageModel model, string outputColumnName,
        string? inputColumnName, TrainingReport? report = null)
        : base(env, nameof(LoraFineTuningTransformer), model, outputColumnName, inputColumnName, report)
    {
    }

    internal override ModelYieldingTransformer WithModel(LanguageModel model) => new LoraFineTuningTransformer(
        Host, model, OutputColumnName, InputColumnName, Report) { FittedSchema = FittedSchema };

    private protected override (string Model, string Loader) Signatures => (ModelSignature, LoaderSignature);

    private static LoraFineTuningTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        (SavedColumns columns, LanguageModel model) = Load(env, ctx, ModelSignature, LoaderSignature);
        return new LoraFineTuningTransformer(env, model, columns.OutputColumnName, columns.InputColumnName);
    }
}
