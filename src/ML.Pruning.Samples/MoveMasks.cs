using System.Globalization;
using Microsoft.ML;
using ML.Pruning.Evaluation;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Recovery.DynamicSparsity;
using ML.Pruning.Samples.EmbeddedModel;
using ML.Pruning.Sparsity;
using ML.Pruning.Transforms;

namespace ML.Pruning.Samples;

/// <summary>Trains sparse models whose masks move: movement pruning, and RigL on a pruned model.</summary>
public static class MoveMasks
{
    /// <summary>Runs the sample.</summary>
    /// <param name="modelFolder">A Hugging Face folder.</param>
    public static void Example(string modelFolder)
    {
        var ml = new MLContext(seed: 1);
        IDataView training = ml.Data.LoadFromEnumerable(
            StoryGrammar.Write(count: 300, seed: 1).Select(text => new Story { Text = text }));
        IDataView others = ml.Data.LoadFromEnumerable(
            StoryGrammar.Write(count: 100, seed: 2).Select(text => new Story { Text = text }));
        var steps = new TrainingOptions { Steps = 30, LearningRate = 1e-3, WeightDecay = 0, Beta2 = 0.999 };

        // Scores learn what to keep while the sparsity rises to 80 %: a weight that moves away from zero stays.
        var movement = new SparseFineTuneOptions
        {
            Pruning = new Magnitude { Sparsity = 0.8 },
            Schedule = new SparsitySchedule { Kind = RampKind.Cubic, RampFraction = 0.6 },
            Dynamics = new MovementPruning(),
            Training = steps,
        };

        // 80 % of the weights go first, more of the large matrices (ERK); then, every fifth step, some of the smallest
        // make room for those with the largest gradients.
        var rigl = new SparseFineTuneOptions
        {
            Pruning = new Magnitude { Sparsity = 0.8, Allocation = new ErkAllocation() },
            Dynamics = new RigL { Interval = 5 },
            Training = steps,
        };
        var pipeline = ml.Transforms.LoadLlm("Dense", modelFolder)
            .Append(ml.Transforms.FineTuneSparse(Stage("Movement", movement)))
            .Append(ml.Transforms.FineTuneSparse(Stage("RigL", rigl)));
        using var fitted = pipeline.Fit(training);

        IDataView models = fitted.Transform(others);
        foreach (SparseFineTuningTransformer stage in fitted.OfType<SparseFineTuningTransformer>())
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{stage.Report!.Sparsity:P1} of the weights of {stage.Report.Tensors.Count} matrices are zero."));
        }

        foreach (string column in (string[])["Dense", "Movement", "RigL"])
        {
            PerplexityResult result = ml.EvaluateLlm(models, column, sequenceLength: 128);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{column}: perplexity {result.Perplexity:F3}"));
        }
    }

    private static SparseFineTuningEstimator.Options Stage(string column, SparseFineTuneOptions options) => new()
    {
        OutputColumnName = column,
        InputColumnName = "Dense",
        SequenceLength = 64,
        FineTuning = options,
    };

    private sealed class Story
    {
        public string Text { get; set; } = "";
    }
}

// Expected output for the embedded model:
// 80.0 % of the weights of 28 matrices are zero.
// 80.0 % of the weights of 28 matrices are zero.
// Dense: perplexity 1.370
// Movement: perplexity 4.410
// RigL: perplexity 2.002
