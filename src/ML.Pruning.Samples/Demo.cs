using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Samples.EmbeddedModel;
using ML.Pruning.Sparsity;
using ML.Pruning.Transforms;

namespace ML.Pruning.Samples;

/// <summary>The main job end to end: load, calibrate, prune with each method, evaluate, save as an ML.NET zip, reload
/// in a new process, compare.</summary>
public static class Demo
{
    private static readonly GenerationOptions s_wholeStory = new() { MaxNewTokens = 200 };

    /// <summary>Runs the demo.</summary>
    /// <param name="args">Nothing, a model folder, or a model folder with a calibration and an evaluation file.</param>
    /// <returns>0 when the reloaded model gives the same scores.</returns>
    public static int Run(string[] args)
    {
        if (args.Length is not (0 or 1 or 3))
        {
            Console.Error.WriteLine("Usage: demo [MODEL [CALIBRATION EVALUATION]]");
            return 2;
        }

        string modelPath = args.Length > 0 ? args[0] : EmbeddedModelFiles.Folder;
        bool own = args.Length == 3;
        string[] calibration = own
            ? [.. TextCorpus.Read(args[1])]
            : [.. StoryGrammar.Write(EmbeddedModelFiles.CalibrationStories, EmbeddedModelFiles.CalibrationSeed)];
        string[] evaluation = own
            ? [.. TextCorpus.Read(args[2])]
            : [.. StoryGrammar.Write(EmbeddedModelFiles.EvaluationStories, EmbeddedModelFiles.EvaluationSeed)];
        Console.WriteLine(own
            ? $"Calibration: {args[1]}; evaluation: {args[2]}."
            : $"Calibration: {calibration.Length} stories of the samples' grammar (seed "
                + $"{EmbeddedModelFiles.CalibrationSeed}); evaluation: {evaluation.Length} others (seed "
                + $"{EmbeddedModelFiles.EvaluationSeed}).");
        Compare(modelPath, calibration, evaluation);
        return SaveAndReload(modelPath, calibration, evaluation[0]);
    }

    /// <summary>Loads a saved chain in this (fresh) process and prints its scores.</summary>
    /// <param name="zip">The saved model.</param>
    /// <param name="text">The text to score.</param>
    /// <returns>0.</returns>
    public static int Reload(string zip, string text)
    {
        var ml = new MLContext();
        ITransformer model = ml.Model.Load(zip, out _);
        Console.WriteLine(ScoreOf(ml, model, text));
        return 0;
    }

    private static void Compare(string modelPath, string[] calibration, string[] evaluation)
    {
        using LanguageModel dense = LanguageModelSource.Open(modelPath);
        int length = Math.Min(256, dense.Spec.ContextLength);
        double before = PerplexityEvaluator.Evaluate(dense, evaluation, length).Perplexity;
        long denseBytes = SizeAudit.Of(dense).DenseBytes;
        Console.WriteLine($"Model: {dense}; {denseBytes:N0} bytes; perplexity {Number(before)} in windows of {length} "
            + "tokens without overlap.");
        Console.WriteLine();
        Console.WriteLine($"{"method",-12}{"pattern",-14}{"sparsity",8}{"before",10}{"after",12}{"dense B",13}"
            + $"{"compressed B",14}{"time",9}");
        foreach (WeightPruning method in Methods())
        {
            var watch = Stopwatch.StartNew();
            PruningResult result = Pruner.Prune(dense, method, calibration);
            using LanguageModel pruned = result.Model;
            TimeSpan time = watch.Elapsed;
            double after = PerplexityEvaluator.Evaluate(pruned, evaluation, length).Perplexity;
            SizeAudit audit = SizeAudit.Of(pruned);
            string[] skipped = [.. result.Plan.Skipped.Select(tensor => tensor.Name)];
            TensorAudit[] matrices = [.. audit.Tensors.Where(
                t => skipped.Contains(t.Name) || result.Plan.Tensors.Any(planned => planned.Name == t.Name))];
            double sparsity = (double)matrices.Sum(t => t.Zeros) / matrices.Sum(t => t.Elements);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{method.Name,-12}{method.Pattern,-14}{sparsity,8:F2}{Number(before),10}{Number(after),12}"
                + $"{audit.DenseBytes,13:N0}{audit.CompressedBytes,14:N0}{time.TotalSeconds,8:F1}s")
                + (skipped.Length > 0 ? $"  {skipped.Length} matrices do not divide" : ""));
        }

        Console.WriteLine();
    }

    private static IEnumerable<WeightPruning> Methods()
    {
        var calibration = new CalibrationOptions { Samples = 64, SequenceLength = null };
        foreach (double sparsity in new[] { 0.3, 0.5, 0.7 })
        {
            yield return new Magnitude { Sparsity = sparsity };
            yield return new Wanda { Sparsity = sparsity, Calibration = calibration };
            yield return new SparseGpt { Sparsity = sparsity, Calibration = calibration };
        }

        foreach (SparsityPattern pattern in new[] { new NofMPattern(2, 4), new NofMPattern(4, 8) })
        {
            yield return new Magnitude { Pattern = pattern, SkipIndivisible = true };
            yield return new Wanda { Pattern = pattern, Calibration = calibration, SkipIndivisible = true };
            yield return new SparseGpt { Pattern = pattern, Calibration = calibration, SkipIndivisible = true };
        }

        yield return new RandomPruning { Sparsity = 0.5 };
    }

    private static int SaveAndReload(string modelPath, string[] calibration, string probe)
    {
        var ml = new MLContext(seed: 1);
        IDataView data = ml.Data.LoadFromEnumerable(calibration.Select(text => new Row { Text = text }));
        IEstimator<ITransformer> pipeline = ml.Transforms.LoadLlm("Model", modelPath)
            .Append(ml.Transforms.PruneLlm("Model", "Text", new Wanda { Sparsity = 0.5 }))
            .Append(ml.Transforms.ScoreLlm("LogLikelihood", "Model", "Text"))
            .Append(ml.Transforms.GenerateText("Story", "Model", "Text", s_wholeStory));
        string zip = Path.Combine(Path.GetTempPath(), $"ml-pruning-demo-{Guid.NewGuid():N}.zip");
        try
        {
            ITransformer fitted = pipeline.Fit(data);
            using TransformerChain<ITransformer> compact = ml.Model.CompactLlm(fitted);
            ml.Model.Save(compact, data.Schema, zip);
            string here = ScoreOf(ml, compact, probe);
            Console.WriteLine("Story before: " + StoryOf(ml, ml.Transforms.LoadLlm("Model", modelPath)
                .Append(ml.Transforms.GenerateText("Story", "Model", "Text", s_wholeStory)).Fit(data)));
            Console.WriteLine("Story after:  " + StoryOf(ml, compact));
            string shown = (probe.Length <= 60 ? probe : probe[..60] + "...").ReplaceLineEndings(" ");
            Console.WriteLine($"Saved {new FileInfo(zip).Length:N0} bytes. Scores of \"{shown}\":");
            string there = RunInNewProcess("demo-reload", zip, probe);
            Console.WriteLine($"Here:        {here}");
            Console.WriteLine($"New process: {there}");
            (fitted as IDisposable)?.Dispose();
            Console.WriteLine(here == there ? "The reloaded model gives identical scores." : "THE SCORES DIFFER.");
            return here == there ? 0 : 1;
        }
        finally
        {
            File.Delete(zip);
        }
    }

    private static string ScoreOf(MLContext ml, ITransformer model, string text)
    {
        using PredictionEngine<Row, Scored> engine = ml.Model.CreatePredictionEngine<Row, Scored>(
            model, new PredictionEngineOptions { OwnsTransformer = false });
        Scored score = engine.Predict(new Row { Text = text });
        return string.Create(CultureInfo.InvariantCulture,
            $"{score.TokenCount} tokens, log-likelihood {score.LogLikelihood:R}, perplexity {score.Perplexity:R}");
    }

    private static string StoryOf(MLContext ml, ITransformer model) => model
        .Transform(ml.Data.LoadFromEnumerable([new Row { Text = "Once" }])).GetColumn<string>("Story").First()
        .ReplaceLineEndings(" ");

    private static string RunInNewProcess(params string[] args)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        // Started through the dotnet host, the program is its first argument.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(Demo).Assembly.Location);
        foreach (string arg in args) start.ArgumentList.Add(arg);
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"The new process ended with exit code {process.ExitCode}.");
    }

    private static string Number(double value) =>
        value.ToString(value < 1000 ? "F4" : "E3", CultureInfo.InvariantCulture);

    private sealed class Row
    {
        public string Text { get; set; } = "";
    }

    private sealed class Scored
    {
        public float LogLikelihood { get; set; }

        public int TokenCount { get; set; }

        public float Perplexity { get; set; }
    }
}
