using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using ML.Pruning.Models;
using ML.Pruning.Recovery;

namespace ML.Pruning.Transforms;

/// <summary>Trains low-rank adapters on the language model in a column. See
/// <c>mlContext.Transforms.FineTuneLora</c>.</summary>
public sealed class LoraFineTuningEstimator : IEstimator<LoraFineTuningTransformer>
{
    private readonly IHost _host;
    private readonly Options _options;
    private readonly TrainingColumns _columns;

    internal LoraFineTuningEstimator(IHostEnvironment env, Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrEmpty(options.OutputColumnName);
        ArgumentException.ThrowIfNullOrEmpty(options.TextColumnName);
        ArgumentNullException.ThrowIfNull(options.Lora);
        _host = env.Register(nameof(LoraFineTuningEstimator));
        _options = options;
        _columns = new TrainingColumns(
            options.TextColumnName, options.ResponseColumnName, options.LabelColumnName);
    }

    /// <summary>Trains the adapters.</summary>
    /// <param name="input">Data whose model column holds the model and whose text column holds the text to train on,
    /// one document (or answer) a row; it is read once.</param>
    /// <returns>The stage, which owns the trained model.</returns>
    /// <exception cref="ArgumentException">The data is empty or too short, or an option does not fit the
    /// model.</exception>
    /// <exception cref="TrainingException">The loss or the gradients are NaN or infinite, and no lower rate
    /// helps.</exception>
    public LoraFineTuningTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        foreach (StageColumn column in Inputs()) column.Find(input.Schema);
        using IChannel channel = _host.Start("Fit");
        LanguageModel model = ModelColumn.Read(input, InputColumnName);
        LoraOptions lora = _options.Lora with
        {
            Training = _options.Lora.Training with { TempFolder = MLNetInternals.GetTempFolder(_host) },
        };
        TrainingExamples examples =
            _columns.Read(input, model, lora.SequenceLength, _options.CancellationToken);
        TrainingResult result = LoraTrainer.Train(model, examples, lora, _options.CancellationToken,
            new TrainingChannel(channel, _options.Progress));
        return new LoraFineTuningTransformer(
            _host, result.Model, _options.OutputColumnName, InputColumnName, result.Report)
        {
            FittedSchema = input.Schema,
        };
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        foreach (StageColumn column in Inputs()) column.Check(inputSchema);
        return StageColumn.Add(inputSchema, [StageColumn.Model(_options.OutputColumnName)]);
    }

    private string InputColumnName => _options.InputColumnName ?? _options.OutputColumnName;

    private IEnumerable<StageColumn> Inputs() => [StageColumn.Model(InputColumnName), .. _columns.Columns];

    /// <summary>Options of <see cref="LoraFineTuningEstimator"/>.</summary>
    public sealed class Options
    {
        /// <summary>Column for the trained model.</summary>
        public string OutputColumnName = "Model";

        /// <summary>Column with the model to train; null = the same as <see cref="OutputColumnName"/>.</summary>
        public string? InputColumnName;

        /// <summary>Text column to train on, one document a row; with <see cref="ResponseColumnName"/> the
        /// prompts.</summary>
        public string TextColumnName = "Text";

        /// <summary>Text column with the answers to the prompts, which alone are learned; null = there are
        /// none.</summary>
        public string? ResponseColumnName;

        /// <summary>Text column with the labels of the texts, by name or number, for an encoder that tells labels apart;
        /// null = there are none.</summary>
        public string? LabelColumnName;

        /// <summary>How the adapters are shaped and trained. <see cref="TrainingOptions.TempFolder"/> is
        /// MLContext.TempFilePath whatever is said here.</summary>
        public LoraOptions Lora = new();

        /// <summary>Told at the start and after each step.</summary>
        public IProgress<TrainingProgress>? Progress;

        /// <summary>Stops between batches. Nothing is left behind but the state in
        /// <see cref="TrainingOptions.CheckpointFolder"/>, if one is given.</summary>
        public CancellationToken CancellationToken;
    }
}
