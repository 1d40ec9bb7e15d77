using System.Globalization;
using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Recovery.DynamicSparsity;
using ML.Pruning.Samples.Reviews;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Benchmarks.Training;

/// <summary>A small BERT on SST-2: dense, and with few of its weights left, by methods whose masks stay or move.</summary>
internal sealed class Sst2Benchmark : Benchmark
{
    private const int Words = 4000, MaximumLength = 48, DenseSteps = 1000, SparseSteps = 300, FewestSteps = 10, Seeds = 3;

    // Every so many-th line of the training file is held out; the file's order is its own.
    private const int HeldOutOf = 100;

    private const string Config = """
        { "model_type": "bert", "architectures": ["BertForSequenceClassification"], "hidden_size": 128,
          "intermediate_size": 512, "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": SIZE,
          "max_position_embeddings": 64, "id2label": { "0": "negative", "1": "positive" },
          "label2id": { "negative": 0, "positive": 1 } }
        """;

    // What is to remain, and the penalty of soft movement that leaves about as much: an outcome, counted in the result.
    private static readonly (double Remaining, double Penalty)[] s_targets = [(0.15, 14), (0.10, 20), (0.03, 45)];

    public override string Group => "training";

    public override string Name => "sst2";

    public override string Description => $"a BERT of 2 layers of 128 trained on SST-2 from random weights, then to 15, 10 "
        + $"and 3 % of the weights of its layers in {SparseSteps} steps of 32 texts, {Seeds} seeds; accuracy on the "
        + $"development file (best by every {HeldOutOf}th line of the training file)";

    public override string? WhyNot(BenchmarkSettings settings) =>
        File.Exists(settings.Data("sst2.train.tsv")) ? null : "the texts are not there";

    public override IEnumerable<object> Run(BenchmarkSettings settings)
    {
        LabeledText[] all = [.. LabeledText.Read(settings.Data("sst2.train.tsv"))];
        LabeledText[] development = [.. LabeledText.Read(settings.Data("sst2.dev.tsv"))];
        LabeledText[] heldOut = [.. all.Where((_, i) => i % HeldOutOf == 0)];
        LabeledText[] training = [.. all.Where((_, i) => i % HeldOutOf != 0)];
        IReadOnlyList<string> vocabulary = WordVocabulary.Make(training.Select(text => text.Text), Words);
        using LanguageModel start = LanguageModelInitializer.Create(
            Config.Replace("SIZE", vocabulary.Count.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal),
            seed: 1, tokenizerFiles: new Dictionary<string, byte[]> { ["vocab.txt"] = WordVocabulary.ToFile(vocabulary) });
        TrainingExamples examples = TrainingExamples.FromLabels([.. training, .. heldOut], start, MaximumLength);
        TrainingOptions options = new()
        {
            Steps = settings.Scaled(DenseSteps, FewestSteps),
            BatchSize = 32,
            LearningRate = 1e-3,
            WeightDecay = 0,
            Beta2 = 0.999,
            ValidationExamples = heldOut.Length,
        };
        using LanguageModel dense = LanguageModelTrainer.Train(start, examples, options).Model;
        yield return Score("dense", 1, 0, dense);
        options = options with { Steps = settings.Scaled(SparseSteps, FewestSteps) };
        foreach ((double remaining, double penalty) in s_targets)
        {
            foreach ((string name, SparseFineTuneOptions way) in Ways(1 - remaining, penalty))
            {
                for (int seed = 0; seed < Seeds; seed++)
                {
                    using LanguageModel trained = SparseFineTuner.Train(
                        dense, examples, way with { Training = options with { Seed = seed } }).Model;
                    yield return Score(name, remaining, seed, trained);
                }
            }
        }

        Sst2Result Score(string way, double remaining, int seed, LanguageModel model) => new(way, remaining, seed,
            1 - RecoveryMeasures.Sparsity(model), AccuracyEvaluator.Evaluate(model, heldOut).Accuracy,
            AccuracyEvaluator.Evaluate(model, development).Accuracy);
    }

    private static IEnumerable<(string Name, SparseFineTuneOptions Options)> Ways(double sparsity, double penalty)
    {
        var magnitude = new Magnitude { Sparsity = sparsity };
        var cubic = new SparsitySchedule { RampStart = 0.1, RampFraction = 0.7 };
        yield return ("magnitude", new() { Pruning = magnitude });
        yield return ("gradual magnitude", new() { Pruning = magnitude, Schedule = cubic });
        yield return ("movement", new() { Pruning = magnitude, Schedule = cubic, Dynamics = new MovementPruning() });
        yield return ("soft movement", new()
        {
            Pruning = new Magnitude(),
            Schedule = cubic,
            Dynamics = new SoftMovementPruning { Penalty = penalty },
        });
        yield return ("RigL", new() { Pruning = magnitude, Dynamics = new RigL() });
    }
}
