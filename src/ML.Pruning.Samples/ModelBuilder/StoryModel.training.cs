using Microsoft.ML;
using ML.Pruning.Calibration;
using ML.Pruning.Pruning;
using ML.Pruning.Samples.EmbeddedModel;

namespace ML.Pruning.Samples.ModelBuilder;

/// <summary>This file makes the model: it prunes a language model on texts and saves the chain.</summary>
public partial class StoryModel
{
    /// <summary>The texts.</summary>
    public const string RetrainFilePath = "stories.tsv";

    /// <summary>What separates the columns of that file.</summary>
    public const char RetrainSeparatorChar = '\t';

    /// <summary>Whether its first line names the columns.</summary>
    public const bool RetrainHasHeader = true;

    /// <summary>Whether its fields may stand in quotes.</summary>
    public const bool RetrainAllowQuoting = false;

    /// <summary>The Hugging Face folder of the model to prune.</summary>
    public static string ModelFolder { get; set; } = EmbeddedModelFiles.Folder;

    /// <summary>Prunes the model and saves it.</summary>
    /// <param name="outputModelPath">The .mlnet or .zip file to write.</param>
    /// <param name="inputDataFilePath">The texts.</param>
    /// <param name="separatorChar">What separates the columns.</param>
    /// <param name="hasHeader">Whether the first line names the columns.</param>
    /// <param name="allowQuoting">Whether fields may stand in quotes.</param>
    public static void Train(string outputModelPath, string inputDataFilePath = RetrainFilePath,
        char separatorChar = RetrainSeparatorChar, bool hasHeader = RetrainHasHeader,
        bool allowQuoting = RetrainAllowQuoting)
    {
        var mlContext = new MLContext(seed: 1);
        IDataView data = LoadIDataViewFromFile(mlContext, inputDataFilePath, separatorChar, hasHeader, allowQuoting);
        ITransformer model = RetrainModel(mlContext, data);
        SaveModel(mlContext, model, data, outputModelPath);
        (model as IDisposable)?.Dispose();
    }

    /// <summary>Reads the texts.</summary>
    /// <param name="mlContext">The context.</param>
    /// <param name="inputDataFilePath">The file.</param>
    /// <param name="separatorChar">What separates the columns.</param>
    /// <param name="hasHeader">Whether the first line names the columns.</param>
    /// <param name="allowQuoting">Whether fields may stand in quotes.</param>
    /// <returns>The data.</returns>
    public static IDataView LoadIDataViewFromFile(MLContext mlContext, string inputDataFilePath, char separatorChar,
        bool hasHeader, bool allowQuoting) => mlContext.Data.LoadFromTextFile<ModelInput>(
            inputDataFilePath, separatorChar, hasHeader, allowQuoting: allowQuoting);

    /// <summary>Saves the chain, without the weights from before pruning.</summary>
    /// <param name="mlContext">The context.</param>
    /// <param name="model">The fitted chain.</param>
    /// <param name="data">Data of the schema that the chain takes.</param>
    /// <param name="modelSavePath">The file.</param>
    public static void SaveModel(MLContext mlContext, ITransformer model, IDataView data, string modelSavePath)
    {
        using var compact = mlContext.Model.CompactLlm(model);
        mlContext.Model.Save(compact, data.Schema, modelSavePath);
    }

    /// <summary>Fits the pipeline.</summary>
    /// <param name="mlContext">The context.</param>
    /// <param name="trainData">The texts.</param>
    /// <returns>The fitted chain.</returns>
    public static ITransformer RetrainModel(MLContext mlContext, IDataView trainData) =>
        BuildPipeline(mlContext).Fit(trainData);

    /// <summary>The pipeline: half of the weights go by SparseGPT.</summary>
    /// <param name="mlContext">The context.</param>
    /// <returns>The pipeline.</returns>
    public static IEstimator<ITransformer> BuildPipeline(MLContext mlContext) =>
        mlContext.Transforms.LoadLlm("Model", ModelFolder)
            .Append(mlContext.Transforms.PruneLlm("Model", "Text", new SparseGpt
            {
                Sparsity = 0.5,
                Calibration = new CalibrationOptions { Samples = 8, SequenceLength = 64 },
            }))
            .Append(mlContext.Transforms.ScoreLlm("LogLikelihood", "Model", "Text"));
}
