using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Samples.ModelBuilder;

/// <summary>A pruned language model in the shape of Model Builder's code: this file uses it, and knows nothing of
/// pruning.</summary>
public partial class StoryModel
{
    /// <summary>The engine, made on first use.</summary>
    public static readonly Lazy<PredictionEngine<ModelInput, ModelOutput>> PredictEngine =
        new(CreatePredictEngine, true);

    /// <summary>The saved model.</summary>
    public static string MLNetModelPath { get; set; } = Path.GetFullPath("StoryModel.mlnet");

    /// <summary>Scores a text.</summary>
    /// <param name="input">The text.</param>
    /// <returns>How likely the model finds it.</returns>
    public static ModelOutput Predict(ModelInput input) => PredictEngine.Value.Predict(input);

    private static PredictionEngine<ModelInput, ModelOutput> CreatePredictEngine()
    {
        var mlContext = new MLContext();
        ITransformer mlModel = mlContext.Model.Load(MLNetModelPath, out _);
        return mlContext.Model.CreatePredictionEngine<ModelInput, ModelOutput>(mlModel);
    }

    /// <summary>What the model is given.</summary>
    public class ModelInput
    {
        /// <summary>The text.</summary>
        [LoadColumn(0)]
        [ColumnName("Text")]
        public string Text { get; set; } = "";
    }

    /// <summary>What the model says.</summary>
    public class ModelOutput
    {
        /// <summary>The text.</summary>
        [ColumnName("Text")]
        public string Text { get; set; } = "";

        /// <summary>Natural logarithm of its probability.</summary>
        [ColumnName("LogLikelihood")]
        public float LogLikelihood { get; set; }

        /// <summary>Its tokens.</summary>
        [ColumnName("TokenCount")]
        public int TokenCount { get; set; }

        /// <summary>Its perplexity.</summary>
        [ColumnName("Perplexity")]
        public float Perplexity { get; set; }
    }
}
