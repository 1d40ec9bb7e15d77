using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Samples.EmbeddedModel;

namespace ML.Pruning.Samples;

/// <summary>Makes a model smaller in two ways: without the layer that matters least (ShortGPT), and with a narrower
/// residual stream (SliceGPT).</summary>
public static class DropLayersAndSlice
{
    /// <summary>Runs the sample.</summary>
    /// <param name="modelFolder">A Hugging Face folder.</param>
    public static void Example(string modelFolder)
    {
        var ml = new MLContext(seed: 1);
        IDataView calibration = Stories(ml, count: 200, seed: 1), evaluation = Stories(ml, count: 60, seed: 2);
        var options = new CalibrationOptions { SequenceLength = 64 };

        // Both start from the dense model; each stage puts its model into a column of its own.
        using var fitted = ml.Transforms.LoadLlm("Dense", modelFolder)
            .Append(ml.Transforms.PruneLlm("FewerLayers", "Text", new ShortGpt { Count = 1, Calibration = options },
                inputColumnName: "Dense"))
            .Append(ml.Transforms.PruneLlm("Sliced", "Text", new SliceGpt { Ratio = 0.25, Calibration = options },
                inputColumnName: "Dense"))
            .Fit(calibration);

        IDataView models = fitted.Transform(evaluation);
        foreach (string column in new[] { "Dense", "FewerLayers", "Sliced" })
        {
            LanguageModel model = models.GetColumn<LanguageModel>(column).First();
            double perplexity = ml.EvaluateLlm(models, column, sequenceLength: 64).Perplexity;
            Console.WriteLine($"{column}: {model.Spec.ParameterCount} parameters, perplexity {perplexity:F2}");
        }
    }

    private static IDataView Stories(MLContext ml, int count, int seed) => ml.Data.LoadFromEnumerable(
        StoryGrammar.Write(count, seed).Select(text => new Story { Text = text }));

    private sealed class Story
    {
        public string Text { get; set; } = "";
    }
}

// Expected output for the embedded model:
// Dense: 791680 parameters, perplexity 1.43
// FewerLayers: 610176 parameters, perplexity 1.58
// Sliced: 746240 parameters, perplexity 1.43
