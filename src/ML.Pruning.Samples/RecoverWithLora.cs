using Microsoft.ML;
using ML.Pruning.Calibration;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Samples.EmbeddedModel;

namespace ML.Pruning.Samples;

/// <summary>Prunes a model and wins back with LoRA what that cost: one pipeline.</summary>
public static class RecoverWithLora
{
    /// <summary>Runs the sample.</summary>
    /// <param name="modelFolder">A Hugging Face folder.</param>
    public static void Example(string modelFolder)
    {
        var ml = new MLContext(seed: 1);
        IDataView training = Stories(ml, count: 300, seed: 1), evaluation = Stories(ml, count: 60, seed: 2);

        // 70 % of the weights go, which hurts; adapters of rank 8 are trained on the rest and merged into it. A default
        // run has at least 200 steps; this one is short.
        var lora = new LoraOptions { SequenceLength = 64 };
        lora = lora with { Training = lora.Training with { Steps = 40, BatchSize = 4, ValidationExamples = 16 } };
        var method = new Wanda { Sparsity = 0.7, Calibration = new CalibrationOptions { SequenceLength = 64 } };
        using var fitted = ml.Transforms.LoadLlm("Dense", modelFolder)
            .Append(ml.Transforms.PruneLlm("Pruned", "Text", method, inputColumnName: "Dense"))
            .Append(ml.Transforms.FineTuneLora("Recovered", "Text", lora, inputColumnName: "Pruned"))
            .Fit(training);

        // Each stage has put its model into a column of its own.
        IDataView models = fitted.Transform(evaluation);
        foreach (string column in new[] { "Dense", "Pruned", "Recovered" })
        {
            double perplexity = ml.EvaluateLlm(models, column, sequenceLength: 64).Perplexity;
            Console.WriteLine($"{column}: perplexity {perplexity:F2}");
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
// Dense: perplexity 1.43
// Pruned: perplexity 1.68
// Recovered: perplexity 1.48
