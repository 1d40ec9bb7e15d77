using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Writes a model as an ML.NET model: a chain that yields it in column <c>Model</c> and scores column
/// <c>Text</c>, so that a PredictionEngine runs on it at once. A classifier tells the text's label instead; another
/// encoder is only yielded.</summary>
public static class LanguageModelZip
{
    /// <summary>Writes the file, which appears whole or not at all.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The file, usually <c>.zip</c> or <c>.mlnet</c>.</param>
    /// <param name="overwrite">Replace a file that exists.</param>
    /// <exception cref="IOException">The file exists and <paramref name="overwrite"/> is false, or it cannot be
    /// written.</exception>
    public static void Save(LanguageModel model, string path, bool overwrite = false)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(path);
        var context = new MLContext();
        using var loading = new LlmLoadingTransformer(context, new LanguageModel(model.ToContent()), "Model");
        ITransformer[] scoring = model.Spec.Encoder switch
        {
            null => [new LlmScoringTransformer(context, new LlmScoringEstimator.Options())],
            { IsClassifier: true } =>
                [new TextClassifyingTransformer(context, new TextClassifyingEstimator.Options())],
            _ => [],
        };
        IDataView empty = context.Data.LoadFromEnumerable<Row>([]);
        using var file = new AtomicFile(path, overwrite);
        context.Model.Save(new TransformerChain<ITransformer>([loading, .. scoring]), empty.Schema, file.Stream);
        file.Commit();
    }

    private sealed class Row
    {
        public string Text { get; set; } = "";
    }
}
