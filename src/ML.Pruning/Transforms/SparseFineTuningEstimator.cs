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
    private readonly FineTuningColumns _columns;

    internal SparseFineTuningEstimator(IHostEnvironment env, Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(options.FineTuning);
        _host = env.Register(nameof(SparseFineTuningEstimator));
        _options = options;
        _columns = options.TeacherColumnName is { } teacher
            ? new FineTuningColumns(options, teacher)
            : new FineTuningColumns(options);
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
        using IChannel channel = _host.Start("Fit");
        LanguageModel model = _columns.ReadModel(input);
        LanguageModel? teacher =
            _options.TeacherColumnName is { } name ? ModelColumn.Read(input, name) : null;
        TrainingExamples examples = _columns.ReadExamples(input, model, _options.SequenceLength);
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
            _host, result.Model, _options.OutputColumnName, _columns.InputColumnName, result.Report)
        {
            FittedSchema = input.Schema,
        };
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => _columns.OutputSchema(inputSchema);

    /// <summary>Options of <see cref="SparseFineTuningEstimator"/>.</summary>
    public sealed class Options : FineTuningOptions
    {
        /// <summary>Column with a model to learn from, such as the dense one; null = none.</summary>
        public string? TeacherColumnName;

        /// <summary>Tokens of an example at most, from 2 to the model's context; null = the lesser of 256 and the
        /// context.</summary>
        public int? SequenceLength;

        /// <summary>How to train.</summary>
        public SparseFineTuneOptions FineTuning = new();
    }
}
