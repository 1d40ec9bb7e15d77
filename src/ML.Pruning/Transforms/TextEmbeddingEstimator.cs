using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Inference;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Turns text into a vector with a language model. See <c>mlContext.Transforms.EmbedText</c>.</summary>
public sealed class TextEmbeddingEstimator : IEstimator<TextEmbeddingTransformer>
{
    private readonly IHostEnvironment _env;
    private readonly Options _options;

    internal TextEmbeddingEstimator(IHostEnvironment env, Options options)
    {
        _env = env;
        _options = options;
        options.Validate();
    }

    /// <summary>Checks the schema and reads from the model how long its vectors are; there is nothing to
    /// learn.</summary>
    /// <param name="input">Data with the model and the text column, at least one row.</param>
    /// <returns>The stage.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="ArgumentException">There is no row.</exception>
    public TextEmbeddingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        StageColumn.Text(_options.InputColumnName).Find(input.Schema);
        LanguageModel model = ModelColumn.Read(input, _options.ModelColumnName);
        return new TextEmbeddingTransformer(_env, _options.WithDimension(model.Spec.HiddenSize));
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        StageColumn.Model(_options.ModelColumnName).Check(inputSchema);
        StageColumn.Text(_options.InputColumnName).Check(inputSchema);
        return StageColumn.Add(inputSchema, [StageColumn.Vector(_options.OutputColumnName, 1)]);
    }

    /// <summary>Options of <see cref="TextEmbeddingEstimator"/>.</summary>
    public sealed class Options : TextScoringOptions
    {
        /// <summary>Column for the vector (Single, as long as the model's hidden size).</summary>
        public string OutputColumnName = "Features";

        /// <summary>How the states of the tokens become one vector.</summary>
        public EmbeddingOptions Embedding = new();

        /// <summary>Length of the vectors; known once the stage is fitted.</summary>
        [System.Text.Json.Serialization.JsonInclude]
        internal int Dimension;

        internal override void Validate()
        {
            base.Validate();
            ArgumentException.ThrowIfNullOrEmpty(OutputColumnName);
            ArgumentNullException.ThrowIfNull(Embedding);
            Embedding.Validate();
        }

        internal Options WithDimension(int dimension) => new()
        {
            ModelColumnName = ModelColumnName,
            InputColumnName = InputColumnName,
            BatchSize = BatchSize,
            OutputColumnName = OutputColumnName,
            Embedding = Embedding,
            Dimension = dimension,
        };
    }
}
