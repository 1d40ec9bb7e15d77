using System.Globalization;
using Microsoft.ML;
using ML.Pruning.Evaluation;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Samples.EmbeddedModel;
using ML.Pruning.Transforms;

namespace ML.Pruning.Samples;

/// <summary>Prunes a model, and trains what is left with the dense model as teacher: two models in one
/// pipeline.</summary>
public static class FineTuneSparse
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

        // A column holds a model. Wanda takes 80 % of the student's weights; the training keeps them at zero. The loss
        // is the cross-entropy of the text and the distance of the student's hidden states from the teacher's
        // (SquareHead).
        var pipeline = ml.Transforms.LoadLlm("Teacher", modelFolder)
            .Append(ml.Transforms.PruneLlm("Pruned", "Text", new Wanda { Sparsity = 0.8 }, inputColumnName: "Teacher"))
            .Append(ml.Transforms.FineTuneSparse(new SparseFineTuningEstimator.Options
            {
                OutputColumnName = "Model",
                InputColumnName = "Pruned",
                TeacherColumnName = "Teacher",
                SequenceLength = 64,
                FineTuning = new SparseFineTuneOptions
                {
                    Training = new TrainingOptions { Steps = 25, LearningRate = 1e-3, WeightDecay = 0 },
                },
            }));
        using var fitted = pipeline.Fit(training);

        SparseFineTuneReport report = fitted.LastTransformer.Report!;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{report.Sparsity:P1} of the weights of {report.Tensors.Count} matrices are zero."));
        IDataView models = fitted.Transform(others);
        foreach (string column in (string[])["Teacher", "Pruned", "Model"])
        {
            PerplexityResult result = ml.EvaluateLlm(models, column, sequenceLength: 128);
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"{column}: perplexity {result.Perplexity:F3}"));
        }
    }

    private sealed class Story
    {
        public string Text { get; set; } = "";
    }
}

// Expected output for the embedded model:
// 79.7 % of the weights of 28 matrices are zero.
// Teacher: perplexity 1.370
// Pruned: perplexity 5.740
// Model: perplexity 1.663
