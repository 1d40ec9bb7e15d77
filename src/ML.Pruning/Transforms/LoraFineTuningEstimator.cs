using Microsoft.ML;
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
    private readonly FineTuningColumns _columns;

    internal LoraFineTuningEstimator(IHostEnvironment env, Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(options.Lora);
        _host = env.Register(nameof(LoraFineTuningEstimator));
        _options = options;
        _columns = new FineTuningColumns(options);
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
        using IChannel channel = _host.Start("Fit");
        LanguageModel model = _columns.ReadModel(input);
        LoraOptions lora = _options.Lora with
        {
            Training = _options.Lora.Training with { TempFolder = MLNetInternals.GetTempFolder(_host) },
        };
        TrainingExamples examples = _columns.ReadExamples(input, model, lora.SequenceLength);
        TrainingResult result = LoraTrainer.Train(model, examples, lora, _options.CancellationToken,
            new TrainingChannel(channel, _options.Progress));
        return new LoraFineTuningTransformer(
            _host, result.Model, _options.OutputColumnName, _columns.InputColumnName, result.Report)
        {
            FittedSchema = input.Schema,
        };
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => _columns.OutputSchema(inputSchema);

    /// <summary>Options of <see cref="LoraFineTuningEstimator"/>.</summary>
    public sealed class Options : FineTuningOptions
    {
        /// <summary>How the adapters are shaped and trained. <see cref="TrainingOptions.TempFolder"/> is
        /// MLContext.TempFilePath whatever is said here.</summary>
        public LoraOptions Lora = new();
    }
}
