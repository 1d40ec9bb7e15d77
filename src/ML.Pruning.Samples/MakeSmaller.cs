using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Samples.EmbeddedModel;

namespace ML.Pruning.Samples;

/// <summary>Takes whole heads and neurons out of a model: by gradients (LLM-Pruner), by how much they fluctuate (FLAP),
/// and down to a target shape.</summary>
public static class MakeSmaller
{
    /// <summary>Runs the sample.</summary>
    /// <param name="modelFolder">A Hugging Face folder.</param>
    public static void Example(string modelFolder)
    {
        var ml = new MLContext(seed: 1);
        IDataView calibration = Stories(ml, count: 200, seed: 1), evaluation = Stories(ml, count: 60, seed: 2);
        var text = new CalibrationOptions { Samples = 64, SequenceLength = 64 };

        // All start from the dense model; each stage puts its model into a column of its own.
        using var fitted = ml.Transforms.LoadLlm("Dense", modelFolder)
            .Append(ml.Transforms.PruneLlm("LlmPruner", "Text", new LlmPruner { Ratio = 0.25, Calibration = text },
                inputColumnName: "Dense"))
            .Append(ml.Transforms.PruneLlm("Flap", "Text", new Flap { Ratio = 0.2, Calibration = text },
                inputColumnName: "Dense"))
            .Append(ml.Transforms.PruneLlm("Width", "Text", new WidthPruning { MlpWidth = 256, Calibration = text },
                inputColumnName: "Dense"))
            .Fit(calibration);

        IDataView models = fitted.Transform(evaluation);
        foreach (string column in (string[])["Dense", "LlmPruner", "Flap", "Width"])
        {
            LanguageModel model = models.GetColumn<LanguageModel>(column).First();
            double perplexity = ml.EvaluateLlm(models, column, sequenceLength: 64).Perplexity;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{column}: {model.Spec.ParameterCount} parameters, perplexity {perplexity:F2}"));
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
// LlmPruner: 701056 parameters, perplexity 1.43
// Flap: 646912 parameters, perplexity 1.44
// Width: 656512 parameters, perplexity 1.43
