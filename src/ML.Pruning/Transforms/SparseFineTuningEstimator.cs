using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Models;
using ML.Pruning.Recovery;

namespace ML.Pruning.Transforms;

/// <summary>Trains the sparse language model in a column and keeps its zeros. See
/// <c>mlContext.Transforms.FineTuneSparse</c>.</summary>
public sealed class SparseFineTuningEstimator : IEstimator<SparseFineTuningTransformer>
{
    private readonly IHost _host;
    private readonly Options _options;
    private readonly TrainingColumns _columns;

    internal SparseFineTuningEstimator(IHostEnvironment env, Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrEmpty(options.OutputColumnName);
        ArgumentException.ThrowIfNullOrEmpty(options.TextColumnName);
        ArgumentNullException.ThrowIfNull(options.FineTuning);
        _host = env.Register(nameof(SparseFineTuningEstimator));
        _options = options;
        _columns = new TrainingColumns(
            options.TextColumnName, options.ResponseColumnName, options.LabelColumnName);
    }

    /// <summary>Trains the model.</summary>
    /// <param name="input">Data with the model, what to train on, and the teacher if there is one; what to train on is
    /// read once.</param>
    /// <returns>The stage, which owns the trained model.</returns>
    /// <exception cref="ArgumentException">The data is empty or too short, or an option does not fit the
    /// model.</exception>
    /// <exception cref="TrainingException">The loss is NaN or infinite, and no lower rate helps.</exception>
    public SparseFineTuningTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        foreach (StageColumn column in Inputs()) column.Find(input.Schema);
        using IChannel channel = _host.Start("Fit");
        LanguageModel model = ModelColumn.Read(input, InputColumnName);
        LanguageModel? teacher =
            _options.TeacherColumnName is { } name ? ModelColumn.Read(input, name) : null;
        TrainingExamples examples =
            _columns.Read(input, model, _options.SequenceLength, _options.CancellationToken);
        channel.Info(MessageSensitivity.None, "Training on {0} examples.", examples.Count);
        SparseFineTuneOptions fineTuning = _options.FineTuning with
        {
            Training = _options.FineTuning.Training with { TempFolder = MLNetInternals.GetTempFolder(_host) },
        };
        SparseFineTuneResult result = SparseFineTuner.Train(
            model, examples, fineTuning, teacher, _options.CancellationToken,
            new TrainingChannel(channel, _options.Progress));
        TrainingReport training = result.Report.Training;
        channel.Info(MessageSensitivity.None, "Sparsity {0:0.0000}; {1} steps skipped, {2} roll-backs.",
            result.Report.Sparsity, training.SkippedSteps, training.Rollbacks);
        return new SparseFineTuningTransformer(
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

    private IEnumerable<StageColumn> Inputs()
    {
        yield return StageColumn.Model(InputColumnName);
        if (_options.TeacherColumnName is { } teacher) yield return StageColumn.Model(teacher);
        foreach (StageColumn column in _columns.Columns) yield return column;
    }

    /// <summary>Options of <see cref="SparseFineTuningEstimator"/>.</summary>
    public sealed class Options
    {
        /// <summary>Column for the trained model.</summary>
        public string OutputColumnName = "Model";

        /// <summary>Column with the model to train; null = the same as <see cref="OutputColumnName"/>.</summary>
        public string? InputColumnName;

        /// <summary>Text column to train on, one document a row; or the prompts, when
        /// <see cref="ResponseColumnName"/> has their answers.</summary>
        public string TextColumnName = "Text";

        /// <summary>Text column with the answers to learn; null = the text itself is learned.</summary>
        public string? ResponseColumnName;

        /// <summary>Text column with the labels of the texts, by name or number, for an encoder that tells labels apart;
        /// null = there are none.</summary>
        public string? LabelColumnName;

        /// <summary>Column with a model to learn from, such as the dense one; null = none.</summary>
        public string? TeacherColumnName;

        /// <summary>Tokens of an example at most, from 2 to the model's context; null = the lesser of 256 and the
        /// context.</summary>
        public int? SequenceLength;

        /// <summary>How to train.</summary>
        public SparseFineTuneOptions FineTuning = new();

        /// <summary>Told about each step.</summary>
        public IProgress<TrainingProgress>? Progress;

        /// <summary>Stops the work.</summary>
        public CancellationToken CancellationToken;
    }
}
