using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Recovery;
using ML.Pruning.Tests.Checkpoints;

namespace ML.Pruning.Tests.Recovery;

/// <summary>A tiny model and a text that it can learn in seconds.</summary>
internal static class TinyTraining
{
    public const int WindowLength = 16;

    public const string Config = """
        {
          "model_type": "llama", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
          "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 40, "max_position_embeddings": 64,
          "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": 2
        }
        """;

    public static LanguageModel Model(TensorType type = TensorType.F32) =>
        LanguageModelInitializer.Create(Config, seed: 3, type);

    /// <summary>Sixty windows in which each token decides the next: 3t + 1 modulo 40, now and then 3t + 2.</summary>
    public static TokenWindows Windows()
    {
        var random = new Random(5);
        var tokens = new int[60 * WindowLength];
        for (int i = 1; i < tokens.Length; i++) tokens[i] = (3 * tokens[i - 1] + (random.Next(8) == 0 ? 2 : 1)) % 40;
        return TokenWindows.FromTokens(tokens, WindowLength);
    }

    /// <summary>Trains all weights.</summary>
    public static LanguageModel Train(LanguageModel model, TokenWindows windows, TrainingOptions? options = null,
        CancellationToken cancellationToken = default, IProgress<TrainingProgress>? progress = null) =>
        LanguageModelTrainer.Train(model, windows, options, cancellationToken, progress).Model;

    public static TrainingOptions Options(TestFolder folder, int steps = 40) => new()
    {
        Steps = steps,
        BatchSize = 8,
        LearningRate = 1e-2,
        WarmupSteps = Math.Min(4, steps),
        ValidationExamples = 6,
        ValidationInterval = 10,
        Seed = 7,
        TempFolder = folder.Path,
    };
}
