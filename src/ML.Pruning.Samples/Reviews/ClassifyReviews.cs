using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Transforms;

namespace ML.Pruning.Samples.Reviews;

/// <summary>Trains a small BERT from random weights to tell praise from blame, prunes it in a pipeline, trains what is
/// left, and serves the saved pipeline through a PredictionEngine.</summary>
public static class ClassifyReviews
{
    private const int Words = 4000;

    /// <summary>What the sample found.</summary>
    /// <param name="Dense">Accuracy of the dense classifier on texts that it has not seen, in [0, 1].</param>
    /// <param name="Sparse">That of the pruned one.</param>
    /// <param name="Sparsity">Fraction of zeros in the linear maps of its layers.</param>
    /// <param name="Served">What the saved pipeline says of a text.</param>
    public sealed record Outcome(double Dense, double Sparse, double Sparsity, string Served);

    /// <summary>Runs the sample on generated reviews, or on tab-separated files such as those of SST-2.</summary>
    /// <param name="files">Nothing, or the files to train on and to evaluate on, with columns "sentence" and
    /// "label".</param>
    public static void Example(string[] files)
    {
        bool isReal = files.Length == 2;
        Outcome found = isReal
            ? Run([.. LabeledText.Read(files[0])], [.. LabeledText.Read(files[1])], hidden: 128, steps: 1000)
            : Run(ReviewGrammar.Write(800, seed: 1), ReviewGrammar.Write(200, seed: 2), hidden: 32, steps: 150);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"accuracy {found.Dense:F3} dense, {found.Sparse:F3} with {found.Sparsity:P0} of the weights zero"));
        Console.WriteLine(found.Served);
    }

    /// <summary>Runs the sample.</summary>
    /// <param name="training">Texts to train on.</param>
    /// <param name="unseen">Texts to evaluate on.</param>
    /// <param name="hidden">Hidden size of the model, a multiple of 16.</param>
    /// <param name="steps">Steps of the first training; the second has half as many.</param>
    /// <returns>What it found.</returns>
    public static Outcome Run(
        IReadOnlyList<LabeledText> training, IReadOnlyList<LabeledText> unseen, int hidden, int steps)
    {
        string folder = Directory.CreateTempSubdirectory("reviews-").FullName;
        try
        {
            var options = new TrainingOptions
            {
                Steps = steps, BatchSize = 32, LearningRate = 0.1 / hidden, ValidationExamples = 64,
                TempFolder = folder,
            };
            string model = Path.Combine(folder, "dense");
            double dense = TrainDense(training, unseen, hidden, options, model);

            // An ordinary ML.NET pipeline: a model in a column, its texts and labels in others.
            var ml = new MLContext(seed: 1);
            IDataView data = ml.Data.LoadFromEnumerable(training);
            var pipeline = ml.Transforms.LoadLlm("Model", model)
                .Append(ml.Transforms.PruneLlm("Model", null, new Magnitude { Sparsity = 0.8 }))
                .Append(ml.Transforms.FineTuneSparse(new SparseFineTuningEstimator.Options
                {
                    LabelColumnName = "Label",
                    FineTuning = new SparseFineTuneOptions { Training = options with { Steps = steps / 2 } },
                }))
                .Append(ml.Transforms.ClassifyText());
            using var fitted = pipeline.Fit(data);
            var fineTuned = (SparseFineTuningTransformer)fitted.ElementAt(2);

            // The saved pipeline needs nothing but plain ML.NET and this library; ONNX Runtime computes.
            string zip = Path.Combine(folder, "reviews.zip");
            using (var compact = ml.Model.CompactLlm(fitted)) ml.Model.Save(compact, data.Schema, zip);
            var consumer = new MLContext();
            ITransformer loaded = consumer.Model.Load(zip, out _);
            double sparse = unseen.Zip(loaded.Transform(consumer.Data.LoadFromEnumerable(unseen))
                .GetColumn<string>("PredictedLabel")).Average(row => Matches(row.First, row.Second) ? 1.0 : 0);
            using var engine = consumer.Model.CreatePredictionEngine<LabeledText, Review>(loaded);
            var text = new LabeledText("to be fair , the music is great .", "");
            Review review = engine.Predict(text);
            return new Outcome(dense, sparse, fineTuned.Report!.Sparsity, string.Create(CultureInfo.InvariantCulture,
                $"\"{text.Text}\" is {review.PredictedLabel} ({review.Probability:P0})"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // A model is a config.json, a tokenizer and weights; here the weights are random to start with.
    private static double TrainDense(IReadOnlyList<LabeledText> training, IReadOnlyList<LabeledText> unseen, int hidden,
        TrainingOptions options, string folder)
    {
        IReadOnlyList<string> vocabulary = WordVocabulary.Make(training.Select(text => text.Text), Words);
        using LanguageModel start = LanguageModelInitializer.Create($$"""
            { "model_type": "bert", "architectures": ["BertForSequenceClassification"], "hidden_size": {{hidden}},
              "intermediate_size": {{2 * hidden}}, "num_attention_heads": {{hidden / 16}}, "num_hidden_layers": 2,
              "vocab_size": {{vocabulary.Count}}, "max_position_embeddings": 64,
              "id2label": { "0": "negative", "1": "positive" }, "label2id": { "negative": 0, "positive": 1 } }
            """, seed: 1, tokenizerFiles: new Dictionary<string, byte[]>
            {
                ["vocab.txt"] = WordVocabulary.ToFile(vocabulary),
            });
        TrainingExamples examples = TrainingExamples.FromLabels(training, start);
        using LanguageModel trained = LanguageModelTrainer.Train(start, examples, options).Model;
        HuggingFaceModel.Save(trained, folder);
        return AccuracyEvaluator.Evaluate(trained, unseen).Accuracy;
    }

    // Files name labels by number.
    private static bool Matches(LabeledText text, string predicted) =>
        text.Label == predicted || text.Label == (predicted == "positive" ? "1" : "0");

    private sealed class Review
    {
        public string PredictedLabel { get; set; } = "";

        public float Probability { get; set; }
    }
}
