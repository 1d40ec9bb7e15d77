using System.Diagnostics;
using System.Globalization;
using System.Text;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Evaluation;
using ML.Pruning.Export;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Recovery;
using TorchSharp;

namespace ML.Pruning.Samples.EmbeddedModel;

/// <summary>Makes the embedded model: grammar, tokenizer, LLaMA, training, Hugging Face folder.</summary>
public static class TrainEmbeddedModel
{
    /// <summary>Steps that made the model in the repository.</summary>
    public const int DefaultSteps = 700;

    /// <summary>Stories that it is trained on.</summary>
    public const int TrainingStories = 20_000;

    /// <summary>Seed of those stories.</summary>
    public const int TrainingSeed = 1000;

    /// <summary>Tokens in its vocabulary.</summary>
    public const int VocabularySize = 512;

    private const int ContextLength = 256;
    private const int ModelSeed = 1;

    private const string Config = """
        {
          "architectures": ["LlamaForCausalLM"],
          "model_type": "llama",
          "hidden_size": 128,
          "intermediate_size": 344,
          "num_hidden_layers": 4,
          "num_attention_heads": 8,
          "num_key_value_heads": 4,
          "vocab_size": 512,
          "max_position_embeddings": 256,
          "rms_norm_eps": 1e-05,
          "rope_theta": 10000.0,
          "hidden_act": "silu",
          "tie_word_embeddings": true,
          "bos_token_id": 1,
          "eos_token_id": [1, 2],
          "torch_dtype": "float16",
          "attention_bias": false,
          "mlp_bias": false
        }
        """;

    private const string TokenizerConfig = """
        {
          "tokenizer_class": "LlamaTokenizer",
          "bos_token": "<s>",
          "eos_token": "</s>",
          "unk_token": "<unk>",
          "add_bos_token": true,
          "add_eos_token": false,
          "model_max_length": 256,
          "clean_up_tokenization_spaces": false
        }
        """;

    /// <summary>Makes the model.</summary>
    /// <param name="output">The folder to make; it must not hold anything yet.</param>
    /// <param name="steps">Optimizer steps.</param>
    public static void Run(string output, int steps)
    {
        // One thread: the bits then do not depend on the number of cores.
        torch.set_num_threads(1);
        var clock = Stopwatch.StartNew();
        string[] stories = [.. StoryGrammar.Write(TrainingStories, TrainingSeed)];
        byte[] tokenizer = BytePairLearner.Learn(stories, VocabularySize);
        using LanguageModel start = LanguageModelInitializer.Create(Config, ModelSeed, TensorType.F16,
            new Dictionary<string, byte[]>
            {
                ["tokenizer.json"] = tokenizer,
                ["tokenizer_config.json"] = Encoding.UTF8.GetBytes(TokenizerConfig),
            });
        TokenWindows windows = TokenWindows.Cut(
            stories, start.RequireTokenizer(), start.Spec.BosTokenId, ContextLength);
        Console.WriteLine($"{start}; {windows.CorpusTokenCount:N0} tokens of {TrainingStories:N0} stories; "
            + $"{windows.Count:N0} windows.");
        var options = new TrainingOptions
        {
            Steps = steps,
            BatchSize = 8,
            LearningRate = 3e-3,
            FinalLearningRateFraction = 0.05,
            WarmupSteps = Math.Min(50, steps),
            ValidationExamples = 64,
            Seed = ModelSeed,
        };
        TrainingResult result = LanguageModelTrainer.Train(
            start, windows, options, CancellationToken.None, new Printer(clock));
        using LanguageModel trained = result.Model;
        HuggingFaceModel.Save(trained, output);
        WriteReadme(output, trained, windows, options);
        Console.WriteLine($"{Directory.GetFiles(output).Sum(file => new FileInfo(file).Length):N0} bytes in {output}, "
            + $"after {clock.Elapsed.TotalSeconds:F0} s.");
        Console.WriteLine(new TextGenerator(trained, new GenerationOptions { MaxNewTokens = 200 })
            .Generate("Once").Text);
    }

    private static void WriteReadme(
        string folder, LanguageModel model, TokenWindows windows, TrainingOptions options)
    {
        double perplexity = PerplexityEvaluator.Evaluate(
            model, StoryGrammar.Write(EmbeddedModelFiles.EvaluationStories, EmbeddedModelFiles.EvaluationSeed),
            ContextLength).Perplexity;
        Console.WriteLine($"Perplexity {perplexity:F4}.");
        string text = string.Create(CultureInfo.InvariantCulture, $"""
            # The embedded model

            A LLaMA of {model.Spec.ParameterCount:N0} parameters in float16 that writes small stories: 4 layers,
            hidden size 128, 8 heads on 4 key/value heads, MLP 344, context {ContextLength}, head tied to the
            embedding, byte-pair vocabulary of {VocabularySize}. This project made it from the text of its own
            grammar (`StoryGrammar`); MIT like the rest.

            Made by `dotnet run --project src/ML.Pruning.Samples -c Release -- train-embedded-model OUTPUT`:
            {TrainingStories:N0} stories (seed {TrainingSeed}), {windows.CorpusTokenCount:N0} tokens with BOS before
            each; vocabulary learned from the same text; {options.Steps:N0} steps of {options.BatchSize} windows of
            {ContextLength} tokens, AdamW, highest learning rate {options.LearningRate}, weight decay
            {options.WeightDecay}; best of the measurements on the last {options.ValidationExamples} windows.
            `mlpruning.json` has every option. The same machine makes the same bits again (one thread); another one
            makes a model that is as good.

            A story ends with the BOS of the next (`eos_token_id` therefore names it).

            Perplexity {perplexity:F4} on {EmbeddedModelFiles.EvaluationStories} other stories (seed
            {EmbeddedModelFiles.EvaluationSeed}): BOS and the tokens of each story, joined, windows of
            {ContextLength} tokens without overlap, exp of the mean negative log-likelihood of the
            {ContextLength - 1} predictions of each window.

            """);
        File.WriteAllText(Path.Combine(folder, "README.md"), text.ReplaceLineEndings("\n"));
    }

    private sealed class Printer(Stopwatch clock) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.ValidationLoss is not { } validation) return;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"step {value.Step,5} of {value.Steps}: loss {value.Loss:F4}, held out {validation:F4}, "
                + $"{clock.Elapsed.TotalSeconds:F0} s"));
        }
    }
}
