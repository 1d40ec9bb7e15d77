using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Base of the fitted stages that put a model into a column. The stage owns the model: disposing the stage (or
/// the chain, or the PredictionEngine) disposes it.</summary>
public abstract class ModelYieldingTransformer : LlmTransformer
{
    private protected ModelYieldingTransformer(
        IHostEnvironment env, string name, LanguageModel model, string outputColumnName)
        : base(env, name)
    {
        Model = model;
        OutputColumnName = outputColumnName;
        Outputs = [StageColumn.Model(outputColumnName)];
    }

    /// <summary>The model that every row of the output column holds.</summary>
    public LanguageModel Model { get; }

    /// <summary>The column.</summary>
    public string OutputColumnName { get; }

    /// <summary>The schema that the stage was fitted on; null after loading from a file.</summary>
    internal DataViewSchema? FittedSchema { get; init; }

    internal override IReadOnlyList<StageColumn> Outputs { get; }

    internal override IReadOnlyList<StageColumn> Dependencies => [];

    /// <inheritdoc/>
    public override void Dispose() => Model.Dispose();

    /// <summary>The same stage with another model in it.</summary>
    internal abstract ModelYieldingTransformer WithModel(LanguageModel model);

    internal override IRowComputer CreateComputer(DataViewRow input, int capacity) => new Constant(Model);

    private sealed class Constant(LanguageModel model) : IRowComputer
    {
        public void Read(int slot)
        {
        }

        public void Compute(int count)
        {
        }

        public Delegate CreateGetter(int output, Func<int> currentSlot) =>
            (ValueGetter<LanguageModel>)((ref LanguageModel value) => value = model);
    }
}
