using Microsoft.ML;
using ML.Pruning.Pruning;
using ML.Pruning.Samples.EmbeddedModel;

namespace ML.Pruning.Samples;

/// <summary>Prunes a model in a pipeline, scores text, saves the chain and uses it through a
/// PredictionEngine.</summary>
public static class PruneAndScore
{
    /// <summary>Runs the sample.</summary>
    /// <param name="modelFolder">A Hugging Face folder.</param>
    public static void Example(string modelFolder)
    {
        var ml = new MLContext(seed: 1);

        // Calibration text: one document a row. Any IDataView with a text column will do.
        IDataView calibration = ml.Data.LoadFromEnumerable(
            StoryGrammar.Write(count: 400, seed: 1).Select(text => new Story { Text = text }));

        // An ordinary ML.NET pipeline. Wanda removes half of the weights of every row.
        var pipeline = ml.Transforms.LoadLlm("Model", modelFolder)
            .Append(ml.Transforms.PruneLlm("Model", "Text", new Wanda { Sparsity = 0.5 }))
            .Append(ml.Transforms.ScoreLlm("LogLikelihood", "Model", "Text"));
        using var fitted = pipeline.Fit(calibration);

        // CompactLlm leaves out the dense weights, which nothing reads any more.
        string path = Path.Combine(Path.GetTempPath(), $"pruned-{Guid.NewGuid():N}.zip");
        try
        {
            using (var compact = ml.Model.CompactLlm(fitted)) ml.Model.Save(compact, calibration.Schema, path);

            // Plain ML.NET from here on: nothing is registered.
            var consumer = new MLContext();
            ITransformer loaded = consumer.Model.Load(path, out _);
            using var engine = consumer.Model.CreatePredictionEngine<Story, StoryScore>(loaded);
            StoryScore score = engine.Predict(new Story { Text = "Once there was a brave child named Mina." });
            Console.WriteLine($"{score.TokenCount} tokens, log-likelihood {score.LogLikelihood:F2}, "
                + $"perplexity {score.Perplexity:F2}");
        }
        finally
        {
            File.Delete(path);
        }
    }

    private sealed class Story
    {
        public string Text { get; set; } = "";
    }

    private sealed class StoryScore
    {
        public float LogLikelihood { get; set; }

        public int TokenCount { get; set; }

        public float Perplexity { get; set; }
    }
}

// Expected output for the embedded model:
// 11 tokens, log-likelihood -4.02, perplexity 1.44
