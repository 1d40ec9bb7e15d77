using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Evaluation;
using ML.Pruning.Inference;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Evaluates the model in one column on the text in another.</summary>
internal static class ModelEvaluation
{
    public static PerplexityResult Evaluate(IDataView data, string modelColumnName, string textColumnName,
        int? sequenceLength, EngineKind engine, CancellationToken cancellationToken)
    {
        StageColumn.Text(textColumnName).Find(data.Schema);
        LanguageModel model = ModelColumn.Read(data, modelColumnName);
        IEnumerable<string> documents =
            data.GetColumn<ReadOnlyMemory<char>>(textColumnName).Select(text => text.ToString());
        return PerplexityEvaluator.Evaluate(
            model, documents, sequenceLength ?? model.Spec.ContextLength, engine, cancellationToken);
    }
}
