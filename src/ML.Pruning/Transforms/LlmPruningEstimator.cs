using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using ML.Pruning.Models;
using ML.Pruning.Pruning;

namespace ML.Pruning.Transforms;

/// <summary>Prunes the language model in a column. See <c>mlContext.Transforms.PruneLlm</c>.</summary>
public sealed class LlmPruningEstimator : IEstimator<LlmPruningTransformer>
{
    private readonly IHost _host;
    private readonly Options _options;

    internal LlmPruningEstimator(IHostEnvironment env, Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrEmpty(options.OutputColumnName);
        ArgumentNullException.ThrowIfNull(options.Method);
        if (options.Method.NeedsCalibration && options.TextColumnName is null)
        {
            throw new ArgumentException(
                $"The method '{options.Method.Name}' needs calibration text: give the name of a "
                + "text column.", nameof(options));
        }

        _host = env.Register(nameof(LlmPruningEstimator));
        _options = options;
    }

    /// <summary>Prunes the model.</summary>
    /// <param name="input">Data whose model column holds the model and whose text column holds the calibration text,
    /// one document a row; it is read once.</param>
    /// <returns>The stage, which owns the pruned model.</returns>
    /// <exception cref="ArgumentException">The data is empty or too short, or an option does not fit the
    /// model.</exception>
    public LlmPruningTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        foreach (StageColumn column in Inputs()) column.Find(input.Schema);
        using IChannel channel = _host.Start("Fit");
        LanguageModel? opened = _options.ModelPath is { } path ? LanguageModelSource.Open(_host, path) : null;
        using (opened)
        {
            LanguageModel model = opened ?? ModelColumn.Read(input, InputColumnName);
            var context = new PruningContext
            {
                TempFolder = MLNetInternals.GetTempFolder(_host),
                ResumeFolder = _options.ResumeFolder,
                MemoryLimitBytes = _options.MemoryLimitBytes,
                Threads = _options.Threads,
                Progress = _options.Progress,
                CancellationToken = _options.CancellationToken,
                Log = message => channel.Info(MessageSensitivity.None, "{0}", message),
            };
            PruningResult result = Pruner.Prune(model, _options.Method, Documents(input), context);
            result.DiscardResumeState();
            return new LlmPruningTransformer(_host, result.Model, _options.OutputColumnName,
                _options.ModelPath is null ? InputColumnName : null, result.Report) { FittedSchema = input.Schema };
        }
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
        if (_options.ModelPath is null) yield return StageColumn.Model(InputColumnName);
        if (_options.Method.NeedsCalibration) yield return StageColumn.Text(_options.TextColumnName!);
    }

    private IEnumerable<string>? Documents(IDataView input) => _options.Method.NeedsCalibration
        ? input.GetColumn<ReadOnlyMemory<char>>(_options.TextColumnName!).Select(text => text.ToString())
        : null;

    /// <summary>Options of <see cref="LlmPruningEstimator"/>.</summary>
    public sealed class Options
    {
        /// <summary>Column for the pruned model.</summary>
        public string OutputColumnName = "Model";

        /// <summary>Column with the model to prune; null = the same as <see cref="OutputColumnName"/>.</summary>
        public string? InputColumnName;

        /// <summary>A Hugging Face folder or saved model to prune instead of a column's, so that the stage starts a
        /// pipeline; null = use the column.</summary>
        public string? ModelPath;

        /// <summary>Text column to calibrate on, one document a row; null for methods that need none.</summary>
        public string? TextColumnName = "Text";

        /// <summary>How to prune.</summary>
        public PruningMethod Method = new Wanda();

        /// <summary>Folder that records each finished layer, so that a Fit that was cancelled or killed goes on from
        /// there when it is called again; removed when Fit returns. Null = nothing is recorded. See
        /// <see cref="PruningContext.ResumeFolder"/>.</summary>
        public string? ResumeFolder;

        /// <summary>Bytes of memory that Fit may take; one that is foreseen to need more is refused before it reads
        /// anything. Null = no limit.</summary>
        public long? MemoryLimitBytes;

        /// <summary>Threads, at least 1; null = as torch and the machine have it. See
        /// <see cref="PruningContext.Threads"/>.</summary>
        public int? Threads;

        /// <summary>Told about each layer.</summary>
        public IProgress<PruningProgress>? Progress;

        /// <summary>Stops the work; nothing is left behind but <see cref="ResumeFolder"/>.</summary>
        public CancellationToken CancellationToken;
    }
}
