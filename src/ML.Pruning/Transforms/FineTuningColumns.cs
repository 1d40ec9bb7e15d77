using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Models;
using ML.Pruning.Recovery;

namespace ML.Pruning.Transforms;

/// <summary>The columns that a stage reads to train a model, and the one that it adds.</summary>
internal sealed class FineTuningColumns
{
    private readonly FineTuningOptions _options;
    private readonly TrainingColumns _training;
    private readonly StageColumn[] _inputs;

    /// <summary>Checks the names.</summary>
    /// <param name="options">The names.</param>
    /// <param name="otherModels">More columns with models.</param>
    public FineTuningColumns(FineTuningOptions options, params string[] otherModels)
    {
        ArgumentException.ThrowIfNullOrEmpty(options.OutputColumnName);
        ArgumentException.ThrowIfNullOrEmpty(options.TextColumnName);
        _options = options;
        _training = new TrainingColumns(options.TextColumnName, options.ResponseColumnName, options.LabelColumnName);
        _inputs =
        [
            StageColumn.Model(InputColumnName), .. otherModels.Select(StageColumn.Model), .. _training.Columns,
        ];
    }

    /// <summary>Column with the model to train.</summary>
    public string InputColumnName => _options.InputColumnName ?? _options.OutputColumnName;

    /// <summary>Reads the model, once all columns have been found.</summary>
    public LanguageModel ReadModel(IDataView input)
    {
        foreach (StageColumn column in _inputs) column.Find(input.Schema);
        return ModelColumn.Read(input, InputColumnName);
    }

    /// <summary>Reads what to train on.</summary>
    public TrainingExamples ReadExamples(IDataView input, LanguageModel model, int? sequenceLength) =>
        _training.Read(input, model, sequenceLength, _options.CancellationToken);

    /// <summary>The schema with the trained model.</summary>
    public SchemaShape OutputSchema(SchemaShape input)
    {
        ArgumentNullException.ThrowIfNull(input);
        foreach (StageColumn column in _inputs) column.Check(input);
        return StageColumn.Add(input, [StageColumn.Model(_options.OutputColumnName)]);
    }
}
