using Microsoft.ML.Data;
using ML.Pruning.Evaluation;
using ML.Pruning.Inference;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Transforms;

namespace Microsoft.ML;

/// <summary>The pipeline stages of ML.Pruning.</summary>
public static class LlmCatalog
{
    /// <summary>Loads a language model into a column. Only load models from sources that you trust.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">Column for the model; every row holds the same reference.</param>
    /// <param name="modelPath">A Hugging Face folder (config.json, *.safetensors, tokenizer.json), or a saved ML.NET
    /// model that holds a language model.</param>
    /// <returns>The estimator.</returns>
    public static LlmLoadingEstimator LoadLlm(
        this TransformsCatalog catalog, string outputColumnName, string modelPath) =>
        new(Environment(catalog), outputColumnName, modelPath);

    /// <summary>Prunes the language model in a column.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">Column for the pruned model.</param>
    /// <param name="textColumnName">Text column to calibrate on, one document a row; may be null for a method that
    /// needs none.</param>
    /// <param name="method">How to prune.</param>
    /// <param name="inputColumnName">Column with the model; null = the same as
    /// <paramref name="outputColumnName"/>.</param>
    /// <returns>The estimator.</returns>
    public static LlmPruningEstimator PruneLlm(this TransformsCatalog catalog, string outputColumnName,
        string? textColumnName, PruningMethod method, string? inputColumnName = null) =>
        catalog.PruneLlm(new LlmPruningEstimator.Options
        {
            OutputColumnName = outputColumnName,
            InputColumnName = inputColumnName,
            TextColumnName = textColumnName,
            Method = method,
        });

    /// <summary>Loads a language model and prunes it: the start of a pipeline.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="modelPath">A Hugging Face folder or a saved ML.NET model.</param>
    /// <param name="method">How to prune.</param>
    /// <param name="outputColumnName">Column for the pruned model.</param>
    /// <param name="textColumnName">Text column to calibrate on; may be null for a method that needs none.</param>
    /// <returns>The estimator.</returns>
    public static LlmPruningEstimator PruneLlm(this TransformsCatalog catalog, string modelPath, PruningMethod method,
        string outputColumnName = "Model", string? textColumnName = "Text")
    {
        ArgumentException.ThrowIfNullOrEmpty(modelPath);
        return catalog.PruneLlm(new LlmPruningEstimator.Options
        {
            ModelPath = modelPath,
            OutputColumnName = outputColumnName,
            TextColumnName = textColumnName,
            Method = method,
        });
    }

    /// <summary>Prunes a language model.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="options">The options.</param>
    /// <returns>The estimator.</returns>
    public static LlmPruningEstimator PruneLlm(this TransformsCatalog catalog, LlmPruningEstimator.Options options) =>
        new(Environment(catalog), options);

    /// <summary>Fine-tunes the language model in a column with low-rank adapters (LoRA), for instance to win back what
    /// pruning took. Zeros that are a mask stay zero, also when the adapters are merged.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">Column for the trained model.</param>
    /// <param name="textColumnName">Text column to train on, one document a row. A part at the end is held out; the
    /// adapters that are best on it are kept.</param>
    /// <param name="lora">How the adapters are shaped and trained; null = the defaults.</param>
    /// <param name="inputColumnName">Column with the model; null = the same as
    /// <paramref name="outputColumnName"/>.</param>
    /// <returns>The estimator.</returns>
    public static LoraFineTuningEstimator FineTuneLora(this TransformsCatalog catalog,
        string outputColumnName = "Model", string textColumnName = "Text", LoraOptions? lora = null,
        string? inputColumnName = null) =>
        catalog.FineTuneLora(new LoraFineTuningEstimator.Options
        {
            OutputColumnName = outputColumnName,
            InputColumnName = inputColumnName,
            TextColumnName = textColumnName,
            Lora = lora ?? new LoraOptions(),
        });

    /// <summary>Fine-tunes a language model with low-rank adapters (LoRA).</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="options">The options.</param>
    /// <returns>The estimator.</returns>
    public static LoraFineTuningEstimator FineTuneLora(
        this TransformsCatalog catalog, LoraFineTuningEstimator.Options options) => new(Environment(catalog), options);

    /// <summary>Trains the sparse language model in a column and keeps its zeros.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">Column for the trained model.</param>
    /// <param name="textColumnName">Text column to train on, one document a row.</param>
    /// <param name="fineTuning">How to train; null = the defaults: the zeros that the model has are kept.</param>
    /// <param name="teacherColumnName">Column with a model to learn from, such as the dense one; null = none.</param>
    /// <param name="inputColumnName">Column with the model; null = the same as
    /// <paramref name="outputColumnName"/>.</param>
    /// <returns>The estimator.</returns>
    public static SparseFineTuningEstimator FineTuneSparse(this TransformsCatalog catalog, string outputColumnName,
        string textColumnName, SparseFineTuneOptions? fineTuning = null, string? teacherColumnName = null,
        string? inputColumnName = null) =>
        catalog.FineTuneSparse(new SparseFineTuningEstimator.Options
        {
            OutputColumnName = outputColumnName,
            InputColumnName = inputColumnName,
            TextColumnName = textColumnName,
            TeacherColumnName = teacherColumnName,
            FineTuning = fineTuning ?? new SparseFineTuneOptions(),
        });

    /// <summary>Trains a sparse language model and keeps its zeros.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="options">The options.</param>
    /// <returns>The estimator.</returns>
    public static SparseFineTuningEstimator FineTuneSparse(
        this TransformsCatalog catalog, SparseFineTuningEstimator.Options options) =>
        new(Environment(catalog), options ?? throw new ArgumentNullException(nameof(options)));

    /// <summary>Scores text: how likely the model in one column finds the text in another.</summary>
    /// <remarks>Adds four columns: the log-likelihood (Single), <c>TokenCount</c> (Int32), <c>Perplexity</c> (Single)
    /// and <c>TruncatedTokenCount</c> (Int32). BOS is put before the text and not scored; the text is cut at the
    /// model's context. An empty row gives 0, 0, NaN, 0. The perplexity of a corpus is <c>EvaluateLlm</c>'s.</remarks>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">Column for the log-likelihood.</param>
    /// <param name="modelColumnName">Column with the model.</param>
    /// <param name="inputColumnName">Column with the text.</param>
    /// <returns>The estimator.</returns>
    public static LlmScoringEstimator ScoreLlm(
        this TransformsCatalog catalog, string outputColumnName = "LogLikelihood",
        string modelColumnName = "Model", string inputColumnName = "Text") =>
        catalog.ScoreLlm(new LlmScoringEstimator.Options
        {
            OutputColumnName = outputColumnName,
            ModelColumnName = modelColumnName,
            InputColumnName = inputColumnName,
        });

    /// <summary>Scores text.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="options">The options.</param>
    /// <returns>The estimator.</returns>
    public static LlmScoringEstimator ScoreLlm(this TransformsCatalog catalog, LlmScoringEstimator.Options options) =>
        new(Environment(catalog), options ?? throw new ArgumentNullException(nameof(options)));

    /// <summary>Continues text.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">Column for the prompt with its continuation.</param>
    /// <param name="modelColumnName">Column with the model.</param>
    /// <param name="inputColumnName">Column with the prompt.</param>
    /// <param name="generation">How to generate; null = the defaults (greedy).</param>
    /// <returns>The estimator.</returns>
    public static TextGeneratingEstimator GenerateText(this TransformsCatalog catalog,
        string outputColumnName = "GeneratedText", string modelColumnName = "Model", string inputColumnName = "Text",
        GenerationOptions? generation = null) =>
        catalog.GenerateText(new TextGeneratingEstimator.Options
        {
            OutputColumnName = outputColumnName,
            ModelColumnName = modelColumnName,
            InputColumnName = inputColumnName,
            Generation = generation ?? new GenerationOptions(),
        });

    /// <summary>Continues text.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="options">The options.</param>
    /// <returns>The estimator.</returns>
    public static TextGeneratingEstimator GenerateText(
        this TransformsCatalog catalog, TextGeneratingEstimator.Options options) =>
        new(Environment(catalog), options ?? throw new ArgumentNullException(nameof(options)));

    /// <summary>Turns text into a vector, which ordinary trainers take as features.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">Column for the vector (Single, as long as the model's hidden size).</param>
    /// <param name="modelColumnName">Column with the model.</param>
    /// <param name="inputColumnName">Column with the text.</param>
    /// <param name="embedding">How; null = the defaults: mean over the tokens, normalised.</param>
    /// <returns>The estimator.</returns>
    public static TextEmbeddingEstimator EmbedText(this TransformsCatalog catalog, string outputColumnName = "Features",
        string modelColumnName = "Model", string inputColumnName = "Text", EmbeddingOptions? embedding = null) =>
        catalog.EmbedText(new TextEmbeddingEstimator.Options
        {
            OutputColumnName = outputColumnName,
            ModelColumnName = modelColumnName,
            InputColumnName = inputColumnName,
            Embedding = embedding ?? new EmbeddingOptions(),
        });

    /// <summary>Turns text into a vector.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="options">The options.</param>
    /// <returns>The estimator.</returns>
    public static TextEmbeddingEstimator EmbedText(
        this TransformsCatalog catalog, TextEmbeddingEstimator.Options options) =>
        new(Environment(catalog), options ?? throw new ArgumentNullException(nameof(options)));

    /// <summary>Tells the label of text with an encoder that has such a head.</summary>
    /// <remarks>Adds three columns: the label with the highest probability (Text), <c>Score</c>, the probabilities of
    /// all labels in the order of the model's (a vector of Single), and <c>Probability</c>, that of the predicted label
    /// (Single). The text is cut at the model's context.</remarks>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnName">Column for the label.</param>
    /// <param name="modelColumnName">Column with the model.</param>
    /// <param name="inputColumnName">Column with the text.</param>
    /// <returns>The estimator.</returns>
    public static TextClassifyingEstimator ClassifyText(this TransformsCatalog catalog,
        string outputColumnName = "PredictedLabel", string modelColumnName = "Model",
        string inputColumnName = "Text") => catalog.ClassifyText(new TextClassifyingEstimator.Options
        {
            OutputColumnName = outputColumnName,
            ModelColumnName = modelColumnName,
            InputColumnName = inputColumnName,
        });

    /// <summary>Tells the label of text.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="options">The options.</param>
    /// <returns>The estimator.</returns>
    public static TextClassifyingEstimator ClassifyText(
        this TransformsCatalog catalog, TextClassifyingEstimator.Options options) =>
        new(Environment(catalog), options ?? throw new ArgumentNullException(nameof(options)));

    /// <summary>Leaves out of a fitted chain the weights that no remaining stage or visible column reads, so that the
    /// saved model holds only the final weights.</summary>
    /// <remarks>The chain behaves the same. A column whose weights were left out still holds a model that knows its
    /// shape and content hash; asking it for weights throws and says so. Both chains may be disposed, in any
    /// order.</remarks>
    /// <param name="catalog">The catalog.</param>
    /// <param name="model">What <c>Fit</c> returned.</param>
    /// <param name="inputSchema">Schema of the chain's input; needed only for a chain that was loaded from a
    /// file.</param>
    /// <returns>The compact chain.</returns>
    public static TransformerChain<ITransformer> CompactLlm(
        this ModelOperationsCatalog catalog, ITransformer model, DataViewSchema? inputSchema = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(model);
        return ChainCompaction.Compact(model, inputSchema);
    }

    /// <summary>Measures the perplexity of the model in a column on the text in another.</summary>
    /// <remarks>Each row is a document: BOS and its tokens, all joined, cut into windows without overlap; exp of the
    /// mean negative log-likelihood over the predictions of every window.</remarks>
    /// <param name="context">The context.</param>
    /// <param name="data">The data, for instance what a fitted chain's <c>Transform</c> returned.</param>
    /// <param name="modelColumnName">Column with the model.</param>
    /// <param name="textColumnName">Column with the text.</param>
    /// <param name="sequenceLength">Tokens in a window, from 2 to the model's context; null = the context.</param>
    /// <param name="engine">What runs the model.</param>
    /// <param name="cancellationToken">Stops between windows.</param>
    /// <returns>The metrics.</returns>
    public static PerplexityResult EvaluateLlm(this MLContext context, IDataView data, string modelColumnName = "Model",
        string textColumnName = "Text", int? sequenceLength = null, EngineKind engine = EngineKind.Auto,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(data);
        return ModelEvaluation.Evaluate(
            data, modelColumnName, textColumnName, sequenceLength, engine, cancellationToken);
    }

    /// <summary>Reads a text file as data with one text column: of a <c>.jsonl</c> file the <c>text</c> of each line,
    /// of any other file its whole content as one row.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="path">The file, UTF-8.</param>
    /// <param name="outputColumnName">Name of the column.</param>
    /// <returns>The data, read lazily.</returns>
    public static IDataView LoadLlmText(
        this DataOperationsCatalog catalog, string path, string outputColumnName = "Text")
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return TextDocuments.Load(catalog, path, outputColumnName);
    }

    /// <summary>Runs an ONNX model of any exporter on each row, like ApplyOnnxModel, with its sparse weights on this
    /// library's kernels.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="outputColumnNames">Outputs of the model, which become columns of the same names: vectors of Single
    /// or Int64.</param>
    /// <param name="inputColumnNames">Inputs of the model, read from columns of the same names.</param>
    /// <param name="modelFile">The ONNX file.</param>
    /// <param name="shapeDictionary">Dimensions of inputs and outputs by name, where the file leaves more than the
    /// first one open; null = none.</param>
    /// <returns>The estimator.</returns>
    public static SparseOnnxEstimator ApplySparseOnnxModel(this TransformsCatalog catalog, string[] outputColumnNames,
        string[] inputColumnNames, string modelFile, IDictionary<string, int[]>? shapeDictionary = null) =>
        catalog.ApplySparseOnnxModel(new SparseOnnxEstimator.Options
        {
            ModelFile = modelFile,
            OutputColumnNames = outputColumnNames,
            InputColumnNames = inputColumnNames,
            ShapeDictionary = shapeDictionary,
        });

    /// <summary>Runs an ONNX model of any exporter on each row, with its sparse weights on this library's
    /// kernels.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="options">How.</param>
    /// <returns>The estimator.</returns>
    public static SparseOnnxEstimator ApplySparseOnnxModel(
        this TransformsCatalog catalog, SparseOnnxEstimator.Options options) => new(Environment(catalog), options);

    private static Runtime.IHostEnvironment Environment(TransformsCatalog catalog)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return MLNetInternals.GetEnvironment(catalog);
    }
}
