using System.CommandLine;
using ML.Pruning.Models;
using ML.Pruning.Recovery;

namespace ML.Pruning.Tool.Commands;

/// <summary>The options of <c>recover</c> that say how to train, whatever the method.</summary>
internal sealed class TrainingArguments
{
    private readonly Option<int?> _steps = new("--steps")
    {
        Description = "Optimizer steps (default: two passes over the text, but at least 200 and at most 1000 steps).",
    };
    private readonly Option<int?> _batchSize = new("--batch-size")
    {
        Description = "Examples that run together (default 8).",
    };
    private readonly Option<int> _accumulation = new("--accumulation-steps")
    {
        Description = "Batches whose gradients are added up before a step.",
        DefaultValueFactory = _ => 1,
    };
    private readonly Option<double?> _learningRate = new("--learning-rate")
    {
        Description = "Highest learning rate (default: the method's).",
    };
    private readonly Option<string> _decay = new("--decay")
    {
        Description = "How the learning rate goes down: cosine, linear or constant.",
        DefaultValueFactory = _ => "cosine",
    };
    private readonly Option<int?> _warmup = new("--warmup-steps")
    {
        Description = "Steps of the linear warm-up (default: a twentieth of the steps).",
    };
    private readonly Option<double?> _weightDecay = new("--weight-decay")
    {
        Description = "Decoupled weight decay (default: the method's).",
    };
    private readonly Option<double?> _clip = new("--max-gradient-norm")
    {
        Description = "Scale larger gradients down to this joint norm; 0 = never (default 1).",
    };
    private readonly Option<int?> _heldOut = new("--validation-examples")
    {
        Description = "Examples at the end of --train that are held out (default: a tenth, from 1 to 64).",
    };
    private readonly Option<int?> _interval = new("--validation-interval")
    {
        Description = "Steps between two measurements (default: a tenth of the steps, from 10 to 100).",
    };
    private readonly Option<int?> _patience = new("--early-stopping")
    {
        Description = "Stop after this many measurements without a new best (default: never).",
    };
    private readonly Option<string> _compute = new("--compute")
    {
        Description = "float32, or bfloat16 (trained weights stay float32).",
        DefaultValueFactory = _ => "float32",
    };
    private readonly Option<int> _checkpoint = new("--checkpoint-interval")
    {
        Description = "Steps between two checkpoints.",
        DefaultValueFactory = _ => 100,
    };
    private readonly Option<bool> _resume = new("--resume")
    {
        Description = "Go on from OUTPUT.resume, which a run that was stopped or killed leaves; same result as an "
            + "unbroken run. Without such a folder just start.",
    };
    private readonly Option<int> _seed = new("--seed")
    {
        Description = "Seed of the order of the examples, of dropout, and of fresh adapters and heads.",
        DefaultValueFactory = _ => 0,
    };
    private readonly Option<int?> _length = new("--sequence-length")
    {
        Description = "Tokens of an example, at most the model's context (default: the lesser of 256 and the context).",
    };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        Option[] all =
        [
            _steps, _batchSize, _accumulation, _learningRate, _decay, _warmup, _weightDecay, _clip, _heldOut, _interval,
            _patience, _compute, _checkpoint, _resume, _seed, _length,
        ];
        foreach (Option option in all) command.Options.Add(option);
    }

    /// <summary>Tokens of an example, if given.</summary>
    public int? SequenceLength(ParseResult parse) => parse.GetValue(_length);

    /// <summary>The seed.</summary>
    public int Seed(ParseResult parse) => parse.GetValue(_seed);

    /// <summary>The training options.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="defaults">Those of the method.</param>
    /// <param name="checkpointFolder">Folder for the state of a stopped run.</param>
    public TrainingOptions Parse(ParseResult parse, TrainingOptions defaults, string checkpointFolder) => defaults with
    {
        Steps = parse.GetValue(_steps) ?? defaults.Steps,
        BatchSize = parse.GetValue(_batchSize) ?? defaults.BatchSize,
        AccumulationSteps = parse.GetValue(_accumulation),
        LearningRate = parse.GetValue(_learningRate) ?? defaults.LearningRate,
        Decay = CommonOptions.ParseEnum<LearningRateDecay>("--decay", parse.GetValue(_decay)!),
        WarmupSteps = parse.GetValue(_warmup) ?? defaults.WarmupSteps,
        WeightDecay = parse.GetValue(_weightDecay) ?? defaults.WeightDecay,
        MaxGradientNorm = parse.GetValue(_clip) is { } clip ? clip == 0 ? null : clip : defaults.MaxGradientNorm,
        ValidationExamples = parse.GetValue(_heldOut) ?? defaults.ValidationExamples,
        ValidationInterval = parse.GetValue(_interval) ?? defaults.ValidationInterval,
        EarlyStoppingPatience = parse.GetValue(_patience),
        Precision = CommonOptions.ParseEnum<ComputePrecision>("--compute", parse.GetValue(_compute)!),
        CheckpointFolder = checkpointFolder,
        CheckpointInterval = parse.GetValue(_checkpoint),
        Resume = parse.GetValue(_resume),
        KeepState = true,
        Seed = parse.GetValue(_seed),
        TempFolder = Path.GetTempPath(),
    };
}
