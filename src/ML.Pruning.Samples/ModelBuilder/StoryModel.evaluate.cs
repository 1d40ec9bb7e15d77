using Microsoft.ML;
using ML.Pruning.Evaluation;

namespace ML.Pruning.Samples.ModelBuilder;

/// <summary>This file measures the model.</summary>
public partial class StoryModel
{
    /// <summary>Measures the perplexity of the saved model on other texts.</summary>
    /// <param name="inputDataFilePath">The texts.</param>
    /// <param name="sequenceLength">Tokens in a window.</param>
    /// <returns>The metrics.</returns>
    public static PerplexityResult Evaluate(string inputDataFilePath, int sequenceLength = 64)
    {
        var mlContext = new MLContext();
        ITransformer model = mlContext.Model.Load(MLNetModelPath, out _);
        try
        {
            IDataView data = LoadIDataViewFromFile(mlContext, inputDataFilePath, RetrainSeparatorChar, RetrainHasHeader,
                RetrainAllowQuoting);
            return mlContext.EvaluateLlm(model.Transform(data), "Model", "Text", sequenceLength);
        }
        finally
        {
            (model as IDisposable)?.Dispose();
        }
    }
}
