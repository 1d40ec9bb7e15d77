using ML.Pruning.Evaluation;
using ML.Pruning.Samples.EmbeddedModel;

namespace ML.Pruning.Samples.ModelBuilder;

/// <summary>Trains, evaluates and uses a model in the shape of Model Builder's code; the saved file may be called
/// .mlnet or .zip.</summary>
public static class UseStoryModel
{
    /// <summary>Runs the sample.</summary>
    /// <param name="modelFolder">A Hugging Face folder.</param>
    public static void Example(string modelFolder)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("story-model-");
        try
        {
            string training = Path.Combine(folder.FullName, StoryModel.RetrainFilePath);
            string others = Path.Combine(folder.FullName, "others.tsv");
            Write(training, StoryGrammar.Write(count: 30, seed: 1));
            Write(others, StoryGrammar.Write(count: 20, seed: 2));

            StoryModel.ModelFolder = modelFolder;
            StoryModel.MLNetModelPath = Path.Combine(folder.FullName, "StoryModel.mlnet");
            StoryModel.Train(StoryModel.MLNetModelPath, training);

            PerplexityResult result = StoryModel.Evaluate(others);
            Console.WriteLine($"perplexity of other stories {result.Perplexity:F2}");
            StoryModel.ModelOutput output = StoryModel.Predict(
                new StoryModel.ModelInput { Text = "One day Mina went to the river." });
            Console.WriteLine($"\"{output.Text}\": {output.TokenCount} tokens, perplexity {output.Perplexity:F2}");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Write(string path, IEnumerable<string> stories) =>
        File.WriteAllLines(path, stories.Select(story => story.ReplaceLineEndings(" ")).Prepend("Text"));
}

// Expected output for the embedded model:
// perplexity of other stories 1.44
// "One day Mina went to the river.": 11 tokens, perplexity 4.98
