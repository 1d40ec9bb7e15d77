using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Inference;

namespace ML.Pruning.Samples;

/// <summary>Continues prompts with a model in a pipeline.</summary>
public static class GenerateText
{
    /// <summary>Runs the sample.</summary>
    /// <param name="modelFolder">A Hugging Face folder.</param>
    public static void Example(string modelFolder)
    {
        var ml = new MLContext(seed: 1);
        IDataView prompts = ml.Data.LoadFromEnumerable([new Prompt { Text = "Once" }, new Prompt { Text = "One day" }]);
        var pipeline = ml.Transforms.LoadLlm("Model", modelFolder)
            .Append(ml.Transforms.GenerateText("Story", "Model", "Text", new GenerationOptions { MaxNewTokens = 24 }));
        using var fitted = pipeline.Fit(prompts);
        foreach (string story in fitted.Transform(prompts).GetColumn<string>("Story")) Console.WriteLine(story);
    }

    private sealed class Prompt
    {
        public string Text { get; set; } = "";
    }
}

// Expected output for the embedded model:
// Once there was a cheerful child named Mina. Mina had a paper crown that looked grand
// One day Mina went to the harbour. The sky was clear. There she met a owl w
