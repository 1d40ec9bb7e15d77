using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.SearchSpace;
using ML.Pruning.Calibration;
using ML.Pruning.Samples.EmbeddedModel;
using ML.Pruning.Transforms;

namespace ML.Pruning.Samples;

/// <summary>Searches for the highest sparsity within a perplexity budget.</summary>
/// <remarks>The space comes from the attributes of <see cref="PruningSearchOptions"/>, as it does for AutoML's tuners.
/// Since perplexity grows with sparsity, halving the interval is the better tuner for one number.</remarks>
public static class SearchSparsity
{
    private const double Budget = 1.10;
    private const int Steps = 3;
    private static readonly CalibrationOptions s_calibration = new() { Samples = 8, SequenceLength = 64 };

    /// <summary>Runs the sample.</summary>
    /// <param name="modelFolder">A Hugging Face folder.</param>
    public static void Example(string modelFolder)
    {
        var ml = new MLContext(seed: 1);
        IDataView calibration = Stories(ml, count: 30, seed: 1), others = Stories(ml, count: 20, seed: 2);
        double allowed = Budget * Perplexity(ml, ml.Transforms.LoadLlm("Model", modelFolder), calibration, others);
        RangeAttribute range = Attribute<RangeAttribute>(nameof(PruningSearchOptions.Sparsity));

        foreach (string method in new[] { "magnitude", "sparsegpt" })
        {
            double low = (double)range.Min, high = (double)range.Max;
            for (int step = 0; step < Steps; step++)
            {
                var options = new PruningSearchOptions { Method = method, Sparsity = (low + high) / 2 };
                double perplexity = Perplexity(
                    ml, ml.Transforms.PruneLlm(modelFolder, options.ToMethod(s_calibration)), calibration, others);
                if (perplexity <= allowed) low = options.Sparsity;
                else high = options.Sparsity;
            }

            Console.WriteLine($"{method}: {low:P0} zeros cost at most {Budget - 1:P0} perplexity");
        }
    }

    private static double Perplexity(
        MLContext ml, IEstimator<ITransformer> pipeline, IDataView calibration, IDataView others)
    {
        ITransformer fitted = pipeline.Fit(calibration);
        using var owner = fitted as IDisposable;
        return ml.EvaluateLlm(fitted.Transform(others), "Model", "Text", sequenceLength: 64).Perplexity;
    }

    private static IDataView Stories(MLContext ml, int count, int seed) =>
        ml.Data.LoadFromEnumerable(StoryGrammar.Write(count, seed).Select(text => new Story { Text = text }));

    private static T Attribute<T>(string property)
        where T : Attribute => typeof(PruningSearchOptions).GetProperty(property)!.GetCustomAttribute<T>()!;

    private sealed class Story
    {
        public string Text { get; set; } = "";
    }
}

// Expected output for the embedded model:
// magnitude: 60 % zeros cost at most 10 % perplexity
// sparsegpt: 60 % zeros cost at most 10 % perplexity
