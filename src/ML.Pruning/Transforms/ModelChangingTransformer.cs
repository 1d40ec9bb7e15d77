using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Base of the fitted stages that made a new model of another and put it into a column.</summary>
/// <typeparam name="TReport">What they tell of their work.</typeparam>
public abstract class ModelChangingTransformer<TReport> : ModelYieldingTransformer
    where TReport : class
{
    private protected ModelChangingTransformer(IHostEnvironment env, string name, LanguageModel model,
        string outputColumnName, string? inputColumnName, TReport? report)
        : base(env, name, model, outputColumnName)
    {
        InputColumnName = inputColumnName;
        Report = report;
    }

    /// <summary>What was done; null after loading from a file.</summary>
    public TReport? Report { get; }

    /// <summary>The column that the other model came from; null where the stage loaded it itself.</summary>
    internal string? InputColumnName { get; }

    internal override IReadOnlyList<StageColumn> Inputs =>
        InputColumnName is null ? [] : [StageColumn.Model(InputColumnName)];

    /// <summary>What names the stage in a saved model: its signature, and that of its loader.</summary>
    private protected abstract (string Model, string Loader) Signatures { get; }

    private protected override void Save(ModelSaveContext ctx)
    {
        MLNetInternals.BeginSave(ctx, Signatures.Model, Signatures.Loader,
            JsonSerializer.Serialize(new SavedColumns(OutputColumnName, InputColumnName)));
        StagePayload.Save(ctx, Model);
    }

    /// <summary>The columns and the model that <see cref="Save"/> wrote.</summary>
    private protected static (SavedColumns Columns, LanguageModel Model) Load(
        IHostEnvironment env, ModelLoadContext ctx, string modelSignature, string loaderSignature)
    {
        SavedColumns columns = StagePayload.ReadOptions<SavedColumns>(
            MLNetInternals.BeginLoad(ctx, modelSignature, loaderSignature));
        return (columns, StagePayload.Load(env, ctx));
    }

    /// <summary>The columns of a saved stage.</summary>
    private protected sealed record SavedColumns(string OutputColumnName, string? InputColumnName);
}
