using System.Globalization;
using Microsoft.ML;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Importance;
using ML.Pruning.Pruning;
using ML.Pruning.Samples.EmbeddedModel;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Samples;

/// <summary>Prunes one model by several methods: criterion, pattern, allocation, update and quantisation are chosen one
/// by one.</summary>
public static class ComparePruningMethods
{
    /// <summary>Runs the sample.</summary>
    /// <param name="modelFolder">A Hugging Face folder.</param>
    public static void Example(string modelFolder)
    {
        var ml = new MLContext(seed: 1);
        IDataView calibration = Stories(ml, count: 100, seed: 1), evaluation = Stories(ml, count: 30, seed: 2);
        var text = new CalibrationOptions { Samples = 32, SequenceLength = 64 };
        var pairs = new NofMPattern(2, 4);
        (string Name, PruningMethod? Method)[] methods =
        [
            ("dense", null),
            ("70 %, magnitude", new Magnitude { Sparsity = 0.7 }),
            ("70 %, Wanda", new Wanda { Sparsity = 0.7, Calibration = text }),
            ("70 %, OBD", new WeightPruning(new ObdCriterion()) { Sparsity = 0.7, Calibration = text }),
            ("70 %, SparseGPT", new SparseGpt { Sparsity = 0.7, Calibration = text }),

            // A method is a mixture: Wanda's choice, and SparseGPT's update of what stays.
            ("70 %, Wanda, SparseGPT's update",
                new Wanda { Sparsity = 0.7, Update = new SparseGptUpdate(), Calibration = text }),
            ("70 %, Wanda, OWL",
                new Wanda { Sparsity = 0.7, Allocation = new OwlAllocation(), Calibration = text }),
            ("2:4, Wanda", new Wanda { Pattern = pairs, Calibration = text }),
            ("2:4, SparseGPT", new SparseGpt { Pattern = pairs, Calibration = text }),

            // Blocks that the kernels skip whole.
            ("50 %, blocks of 16x4, Wanda", new Wanda
            {
                Sparsity = 0.5, Pattern = new BlockPattern(16, 4), Group = ComparisonGroup.Tensor, Calibration = text,
            }),

            // What stays is rounded to int4 in the same sweep that makes up for what goes.
            ("50 %, SparseGPT, int4", new SparseGpt { Quantization = new Int4Groups(64), Calibration = text }),
        ];
        foreach ((string name, PruningMethod? method) in methods)
        {
            IEstimator<ITransformer> pipeline = ml.Transforms.LoadLlm("Model", modelFolder);
            if (method is not null) pipeline = pipeline.Append(ml.Transforms.PruneLlm("Model", "Text", method));
            ITransformer fitted = pipeline.Fit(calibration);
            double perplexity = ml.EvaluateLlm(fitted.Transform(evaluation), sequenceLength: 64).Perplexity;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: perplexity {perplexity:F2}"));
            (fitted as IDisposable)?.Dispose();
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
// dense: perplexity 1.43
// 70 %, magnitude: perplexity 1.61
// 70 %, Wanda: perplexity 1.68
// 70 %, OBD: perplexity 1.68
// 70 %, SparseGPT: perplexity 1.53
// 70 %, Wanda, SparseGPT's update: perplexity 1.53
// 70 %, Wanda, OWL: perplexity 1.78
// 2:4, Wanda: perplexity 1.47
// 2:4, SparseGPT: perplexity 1.44
// 50 %, blocks of 16x4, Wanda: perplexity 7.70
// 50 %, SparseGPT, int4: perplexity 1.44
