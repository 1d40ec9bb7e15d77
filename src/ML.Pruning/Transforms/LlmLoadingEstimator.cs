using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Loads a language model into a column. See <c>mlContext.Transforms.LoadLlm</c>.</summary>
public sealed class LlmLoadingEstimator : IEstimator<LlmLoadingTransformer>
{
    private readonly IHost _host;
    private readonly string _outputColumnName;
    private readonly string _modelPath;

    internal LlmLoadingEstimator(IHostEnvironment env, string outputColumnName, string modelPath)
    {
        ArgumentException.ThrowIfNullOrEmpty(outputColumnName);
        ArgumentException.ThrowIfNullOrEmpty(modelPath);
        _host = env.Register(nameof(LlmLoadingEstimator));
        _outputColumnName = outputColumnName;
        _modelPath = modelPath;
    }

    /// <summary>Opens the model; its weights stay mapped on disk.</summary>
    /// <param name="input">Data; only its schema is looked at.</param>
    /// <returns>The stage, which owns the model.</returns>
    public LlmLoadingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using IChannel channel = _host.Start("Fit");
        LanguageModel model = LanguageModelSource.Open(_host, _modelPath);
        channel.Info(MessageSensitivity.None, "Loaded {0}.", model);
        return new LlmLoadingTransformer(_host, model, _outputColumnName) { FittedSchema = input.Schema };
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return StageColumn.Add(inputSchema, [StageColumn.Model(_outputColumnName)]);
    }
}
