using System.CommandLine;
using ML.Pruning.Importance;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Recovery.DynamicSparsity;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Tool.Commands;

/// <summary>The options of <c>recover --method sparse</c>, and of those whose masks move.</summary>
internal sealed class SparseArguments
{
    private const string Fixed = "sparse", Gradual = "gmp";
    private static readonly DistillationOptions s_losses = new();

    private readonly DynamicsArguments _dynamics = new();

    private readonly Option<double?> _sparsity = new("--sparsity")
    {
        Description = "sparse: prune to this fraction of zeros, in [0, 1) (default: keep the zeros that there are).",
    };
    private readonly Option<string?> _prune = new("--prune")
    {
        Description = "sparse: what goes: magnitude, random, wanda or sparsegpt; the last two only one-shot (default: "
            + "magnitude, if --sparsity or --pattern is given).",
    };
    private readonly Option<string?> _pattern = new("--pattern")
    {
        Description = "sparse: unstructured, N:M (keeps N of each M columns) or block:RxC.",
    };
    private readonly Option<string?> _group = new("--group")
    {
        Description = "sparse: which weights compete: row, tile or tensor (default: the method's).",
    };
    private readonly Option<string> _allocation = new("--allocation")
    {
        Description = "sparse: how the sparsity is shared out among tensors: uniform or erk.",
        DefaultValueFactory = _ => "uniform",
    };
    private readonly Option<string?> _schedule = new("--schedule")
    {
        Description = "sparse: when it goes: one-shot (before the training), linear, cubic or exponential (during the "
            + "training), or in cycles of pruning and training, such as exponential:5 (default: one-shot; cubic for "
            + "gmp, movement, soft-movement and regrowing).",
    };
    private readonly Option<double?> _rampStart = new("--ramp-start")
    {
        Description = "sparse: fraction of the training before which the sparsity does not rise (default 0).",
    };
    private readonly Option<double?> _ramp = new("--ramp-fraction")
    {
        Description = "sparse: fraction of the training after which the last sparsity is reached (default 0.6; 1 with "
            + "cycles).",
    };
    private readonly Option<int?> _maskInterval = new("--mask-interval")
    {
        Description = "sparse: steps from one choice of masks to the next (default: a fiftieth of the steps).",
    };
    private readonly Option<string?> _teacher = new("--teacher")
    {
        Description = "sparse: a model with the same tokenizer to learn from, such as the dense one (default: none).",
    };
    private readonly Option<double> _crossEntropy = new("--cross-entropy")
    {
        Description = "sparse, with a teacher: weight of the cross-entropy of the text.",
        DefaultValueFactory = _ => s_losses.CrossEntropyWeight,
    };
    private readonly Option<double> _squareHead = new("--squarehead")
    {
        Description = "sparse, with a teacher: weight of the relative squared distance of the hidden states.",
        DefaultValueFactory = _ => s_losses.SquareHeadWeight,
    };
    private readonly Option<double> _divergence = new("--kl")
    {
        Description = "sparse, with a teacher: weight of the Kullback-Leibler divergence of the predictions.",
        DefaultValueFactory = _ => s_losses.KullbackLeiblerWeight,
    };
    private readonly Option<double> _temperature = new("--temperature")
    {
        Description = "sparse, with a teacher: temperature of that divergence.",
        DefaultValueFactory = _ => s_losses.Temperature,
    };

    /// <summary>The methods that these options belong to.</summary>
    public static IReadOnlyList<string> Methods { get; } = [Fixed, Gradual, .. DynamicsArguments.Methods];

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        Option[] all =
        [
            _sparsity, _prune, _pattern, _group, _allocation, _schedule, _rampStart, _ramp, _maskInterval, _teacher,
            _crossEntropy, _squareHead, _divergence, _temperature,
        ];
        foreach (Option option in all) command.Options.Add(option);
        _dynamics.AddTo(command);
    }

    /// <summary>The model or folder to learn from, if given.</summary>
    public string? Teacher(ParseResult parse) => parse.GetValue(_teacher);

    /// <summary>The options.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="method">One of <see cref="Methods"/>.</param>
    /// <param name="training">How to train; given the method's defaults.</param>
    public SparseFineTuneOptions Parse(
        ParseResult parse, string method, Func<TrainingOptions, TrainingOptions> training)
    {
        SparsityDynamics? dynamics = _dynamics.Parse(parse, method);
        if (dynamics is SoftMovementPruning && parse.GetValue(_sparsity) is not null)
            throw new UserErrorException("soft-movement has no use for --sparsity: --penalty and --threshold decide "
                + "it.");
        bool isGradual = method is Gradual or "movement" or "soft-movement" or "regrowing";
        bool isPlanned = method is not (Fixed or "rigl" or "set");
        SparsitySchedule schedule = SparsitySchedule.Parse(
            parse.GetValue(_schedule) ?? (isGradual ? "cubic" : "one-shot"));
        return new SparseFineTuneOptions
        {
            Pruning = Method(parse, isPlanned),
            Dynamics = dynamics,
            Schedule = schedule with
            {
                RampStart = parse.GetValue(_rampStart) ?? schedule.RampStart,
                RampFraction = parse.GetValue(_ramp) ?? schedule.RampFraction,
            },
            MaskInterval = parse.GetValue(_maskInterval),
            Distillation = new DistillationOptions
            {
                CrossEntropyWeight = parse.GetValue(_crossEntropy),
                SquareHeadWeight = parse.GetValue(_squareHead),
                KullbackLeiblerWeight = parse.GetValue(_divergence),
                Temperature = parse.GetValue(_temperature),
            },
            Training = training(new SparseFineTuneOptions().Training),
        };
    }

    private WeightPruning? Method(ParseResult parse, bool isNeeded)
    {
        double? sparsity = parse.GetValue(_sparsity);
        string? pattern = parse.GetValue(_pattern), name = parse.GetValue(_prune);
        if (sparsity is null && pattern is null && name is null && !isNeeded) return null;
        (IWeightCriterion criterion, ComparisonGroup group, IWeightUpdate? update) = Parts(name ?? "magnitude");
        return new WeightPruning(criterion)
        {
            Sparsity = sparsity,
            Pattern = SparsityPattern.Parse(pattern ?? "unstructured"),
            Group = parse.GetValue(_group) is { } text
                ? CommonOptions.ParseEnum<ComparisonGroup>("--group", text)
                : group,
            Update = update,
            Allocation = parse.GetValue(_allocation)! switch
            {
                "uniform" => UniformAllocation.Instance,
                "erk" => new ErkAllocation(),
                string other => throw new UserErrorException($"--allocation is \"{other}\"; supported: uniform, erk."),
            },
        };
    }

    private static (IWeightCriterion Criterion, ComparisonGroup Group, IWeightUpdate? Update) Parts(string name) =>
        name switch
        {
            "magnitude" => (new MagnitudeCriterion(), ComparisonGroup.Tensor, null),
            "random" => (new RandomCriterion(), ComparisonGroup.Tensor, null),
            "wanda" => (new WandaCriterion(), ComparisonGroup.Row, null),
            "sparsegpt" => (new SparseGptCriterion(), ComparisonGroup.Tile, new SparseGptUpdate()),
            _ => throw new UserErrorException(
                $"--prune is \"{name}\"; supported: magnitude, random, wanda, sparsegpt."),
        };
}
