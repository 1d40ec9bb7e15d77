using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Inference;

namespace ML.Pruning.Transforms;

/// <summary>Continues text with a language model. See <c>mlContext.Transforms.GenerateText</c>.</summary>
public sealed class TextGeneratingEstimator : IEstimator<TextGeneratingTransformer>
{
    private readonly TextGeneratingTransformer _transformer;

    internal TextGeneratingEstimator(IHostEnvironment env, Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _transformer = new TextGeneratingTransformer(env, options);
    }

    /// <summary>Checks the schema; there is nothing to learn.</summary>
    /// <param name="input">Data with the model and the text column.</param>
    /// <returns>The stage.</returns>
    public TextGeneratingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _transformer.GetOutputSchema(input.Schema);
        return _transformer;
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        foreach (StageColumn column in _transformer.Inputs) column.Check(inputSchema);
        return StageColumn.Add(inputSchema, _transformer.Outputs);
    }

    /// <summary>Options of <see cref="TextGeneratingEstimator"/>.</summary>
    public sealed class Options
    {
        /// <summary>Column for the text: the prompt and its continuation, without special tokens.</summary>
        public string OutputColumnName = "GeneratedText";

        /// <summary>Column with the model.</summary>
        public string ModelColumnName = "Model";

        /// <summary>Column with the prompt; an empty one starts from BOS.</summary>
        public string InputColumnName = "Text";

        /// <summary>How to generate.</summary>
        public GenerationOptions Generation = new();

        /// <summary>Rows generated together, 1 to 1024; it does not change the texts.</summary>
        public int BatchSize = 8;
    }
}
