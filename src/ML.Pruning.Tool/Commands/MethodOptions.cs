using System.CommandLine;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using static ML.Pruning.Tool.Commands.CommonOptions;

namespace ML.Pruning.Tool.Commands;

/// <summary>The options that spell a pruning method, shared by <c>plan</c> and <c>prune</c>.</summary>
internal sealed class MethodOptions
{
    private const string RoundToNearestName = "round-to-nearest";

    private static readonly string[] s_methods =
    [
        "magnitude", "random", "wanda", "activation-norm", "sparsegpt", "obd", "obs",
        "taylor-first", "taylor-second", "taylor-mix", "fisher", "snip", "movement-score", RoundToNearestName,
        .. StructuredOptions.Methods,
    ];

    /// <summary>What --method takes.</summary>
    public static IReadOnlyList<string> Names => s_methods;

    private readonly StructuredOptions _structured = new();

    private readonly Option<string> _method = new("--method")
    {
        Description = "How to prune: magnitude, random, wanda, activation-norm, sparsegpt, obd, obs, or by gradients "
            + "taylor-first, taylor-second (or fisher), taylor-mix, snip or movement-score; round-to-nearest removes "
            + "nothing (with --quantize); llm-pruner, flap, width, shortgpt, depth and slicegpt make the model "
            + "smaller.",
        Required = true,
    };

    private readonly Option<double?> _sparsity = new("--sparsity")
    {
        Description = "Fraction of zeros, in [0, 1) (default: 0.5, or what an N:M pattern sets).",
    };

    private readonly Option<string> _pattern = new("--pattern")
    {
        Description = "unstructured, N:M (keeps N of each M columns, such as 2:4) or block:RxC.",
        DefaultValueFactory = _ => "unstructured",
    };

    private readonly Option<string?> _group = new("--group")
    {
        Description = "Which weights compete: row, tile, tensor, layer or model (default: the method's).",
    };

    private readonly Option<string> _allocation = new("--allocation")
    {
        Description = "How the sparsity is shared out among tensors: uniform, erk, owl, global, sensitivity (by "
            + "perplexity, layer by layer), sensitivity-error (by output error, tensor by tensor), or a .json file of "
            + "name patterns and sparsities.",
        DefaultValueFactory = _ => "uniform",
    };

    private readonly Option<string?> _quantize = new("--quantize")
    {
        Description = "Put the weights that stay on an integer grid: int8 (a scale a row), int4 (a scale for each 64 "
            + "columns) or int4:gN.",
    };

    private readonly Option<string?> _update = new("--update")
    {
        Description = "How the weights that stay make up for those that go: none, sparsegpt, least-squares, or bias, "
            + "which moves the biases instead (default: the method's).",
    };

    private readonly Option<string?> _mask = new("--mask")
    {
        Description = "A safetensors file of U8 or BOOL masks (0 where a weight goes) to use instead of the method's.",
    };

    private readonly Option<string?> _statistics = new("--statistics")
    {
        Description = "A file of prune --save-statistics to use instead of calibration text (statistics of the model "
            + "before pruning).",
    };

    private readonly Option<double> _damping = new("--damping")
    {
        Description = "sparsegpt, obs, least-squares: fraction of the mean of the Hessian's diagonal added to it.",
        DefaultValueFactory = _ => ObsCriterion.DefaultDamping,
    };

    private readonly Option<int> _blockSize = new("--block-size")
    {
        Description = "sparsegpt: columns of a tile.",
        DefaultValueFactory = _ => SparseGptCriterion.DefaultBlockSize,
    };

    private readonly Option<string?> _norm = new("--norm")
    {
        Description = "magnitude: l1 or l2, by which blocks are compared; activation-norm: l1, l2 or linfinity of each "
            + "input feature.",
    };

    private readonly Option<double> _exponent = new("--exponent")
    {
        Description = "activation-norm: power of the norm.",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<int?> _movementSteps = new("--movement-steps")
    {
        Description = "movement-score: training steps (default: as many as take each window once).",
    };

    private readonly Option<int> _movementBatch = new("--movement-batch-size")
    {
        Description = "movement-score: windows in a step.",
        DefaultValueFactory = _ => MovementOptions.Default.BatchSize,
    };

    private readonly Option<double> _movementRate = new("--movement-learning-rate")
    {
        Description = "movement-score: learning rate.",
        DefaultValueFactory = _ => MovementOptions.Default.LearningRate,
    };

    private readonly Option<string> _movementOptimizer = new("--movement-optimizer")
    {
        Description = "movement-score: adamw or sgd.",
        DefaultValueFactory = _ => "adamw",
    };

    private readonly Option<bool> _skipIndivisible = new("--skip-indivisible")
    {
        Description = "Leave tensors dense that an N:M pattern does not divide, instead of refusing.",
    };

    private readonly Option<bool> _allowNonFinite = new("--allow-nonfinite")
    {
        Description = "Keep weights that are NaN or infinite, and say so, instead of refusing the model.",
    };

    private readonly Option<string[]> _include = new("--include")
    {
        Description = "Prune only tensors whose name matches, such as *mlp* or layers.3.*; may be repeated.",
    };

    private readonly Option<string[]> _exclude = new("--exclude")
    {
        Description = "Leave out tensors whose name matches; may be repeated.",
    };

    private readonly Option<int> _samples = new("--calibration-samples")
    {
        Description = "Calibration windows at most.",
        DefaultValueFactory = _ => 128,
    };

    private readonly Option<int?> _length = new("--sequence-length")
    {
        Description = "Tokens in a calibration window (default: the lesser of 512 and the model's context).",
    };

    private readonly Option<string> _order = new("--calibration-order")
    {
        Description = "random (drawn by the seed) or sequential (the first windows of the file).",
        DefaultValueFactory = _ => "random",
    };

    private readonly Option<string> _compute = new("--compute")
    {
        Description = "In what the model computes during calibration: float32 or bfloat16.",
        DefaultValueFactory = _ => "float32",
    };

    private readonly Option<string> _storage = new("--calibration-storage")
    {
        Description = "Where calibration activations are between two layers: memory or disk (same result).",
        DefaultValueFactory = _ => "memory",
    };

    private readonly Option<int> _seed = new("--seed")
    {
        Description = "Seed of everything random.",
        DefaultValueFactory = _ => 0,
    };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        Option[] options = [_method, _sparsity, _pattern, _group, _allocation, _update, _mask, _statistics, _damping,
            _blockSize, _norm, _exponent, _movementSteps, _movementBatch, _movementRate, _movementOptimizer, _quantize,
            _skipIndivisible, _allowNonFinite, _include, _exclude, _samples, _length, _order, _compute, _storage,
            _seed];
        foreach (Option option in options) command.Options.Add(option);
        _structured.AddTo(command);
    }

    /// <summary>The method that the arguments spell.</summary>
    /// <param name="parse">The arguments.</param>
    /// <param name="statistics">A file of statistics instead of that of the arguments; null = theirs.</param>
    /// <exception cref="UserErrorException">An argument is not legal.</exception>
    public PruningMethod Parse(ParseResult parse, string? statistics = null)
    {
        string name = parse.GetRequiredValue(_method);
        if (StructuredOptions.Methods.Contains(name))
        {
            if (parse.GetValue(_sparsity) is not null)
                throw new UserErrorException($"--sparsity is for methods that set zeros; --method {name} takes "
                    + "--ratio.");
            return _structured.Parse(name, parse, Calibration(parse), parse.GetValue(_seed));
        }

        _structured.RefuseFor(name, parse);
        WeightGrid? grid = parse.GetValue(_quantize) is { } text ? WeightGrid.Parse(text) : null;
        if (parse.GetRequiredValue(_method) == RoundToNearestName) return RoundToNearest(parse, grid);
        (IWeightCriterion criterion, ComparisonGroup defaultGroup) = Criterion(parse);
        return new WeightPruning(criterion)
        {
            Sparsity = parse.GetValue(_sparsity),
            Pattern = SparsityPattern.Parse(parse.GetValue(_pattern)!),
            Group = parse.GetValue(_group) is { } group ? ParseEnum<ComparisonGroup>("--group", group) : defaultGroup,
            Quantization = grid,
            Allocation = Allocation(parse.GetValue(_allocation)!),
            Update = Update(parse, criterion),
            Statistics = (statistics ?? parse.GetValue(_statistics)) is { } file ? StatisticsFile.Open(file) : null,
            Masks = parse.GetValue(_mask) is { } mask ? MaskFile.Open(mask) : null,
            SkipIndivisible = parse.GetValue(_skipIndivisible),
            AllowNonFinite = parse.GetValue(_allowNonFinite),
            IncludeTensors = parse.GetValue(_include) is { Length: > 0 } include ? include : null,
            ExcludeTensors = parse.GetValue(_exclude) ?? [],
            Calibration = Calibration(parse),
        };
    }

    private CalibrationOptions Calibration(ParseResult parse) => new()
    {
        Samples = parse.GetValue(_samples),
        SequenceLength = parse.GetValue(_length),
        Order = ParseEnum<CalibrationOrder>("--calibration-order", parse.GetValue(_order)!),
        Precision = ParseEnum<ComputePrecision>("--compute", parse.GetValue(_compute)!),
        Storage = ParseEnum<CalibrationStorage>("--calibration-storage", parse.GetValue(_storage)!),
        Seed = parse.GetValue(_seed),
    };

    private RoundToNearest RoundToNearest(ParseResult parse, WeightGrid? grid)
    {
        if (grid is null) throw new UserErrorException($"--method {RoundToNearestName} needs --quantize int8 or int4.");
        return new RoundToNearest(grid)
        {
            Sparsity = parse.GetValue(_sparsity) ?? 0,
            Pattern = SparsityPattern.Parse(parse.GetValue(_pattern)!),
            IncludeTensors = parse.GetValue(_include) is { Length: > 0 } include ? include : null,
            ExcludeTensors = parse.GetValue(_exclude) ?? [],
        };
    }

    private (IWeightCriterion Criterion, ComparisonGroup Group) Criterion(ParseResult parse)
    {
        string name = parse.GetRequiredValue(_method);
        return name switch
        {
            "magnitude" => (new MagnitudeCriterion(ParseEnum<WeightNorm>("--norm", parse.GetValue(_norm) ?? "l1")),
                ComparisonGroup.Tensor),
            "activation-norm" => (new ActivationNormCriterion(
                ParseEnum<ActivationNorm>("--norm", parse.GetValue(_norm) ?? "l2"), parse.GetValue(_exponent)),
                ComparisonGroup.Row),
            "random" => (new RandomCriterion(parse.GetValue(_seed)), ComparisonGroup.Tensor),
            "wanda" => (new WandaCriterion(), ComparisonGroup.Row),
            "sparsegpt" => (new SparseGptCriterion(parse.GetValue(_damping), parse.GetValue(_blockSize)),
                ComparisonGroup.Tile),
            "obd" => (new ObdCriterion(), ComparisonGroup.Tensor),
            "obs" => (new ObsCriterion(parse.GetValue(_damping)), ComparisonGroup.Tensor),
            "taylor-first" => (new TaylorCriterion(TaylorOrder.First), ComparisonGroup.Tensor),
            "taylor-second" or "fisher" => (new TaylorCriterion(TaylorOrder.Second), ComparisonGroup.Tensor),
            "taylor-mix" => (new TaylorCriterion(TaylorOrder.Mixed), ComparisonGroup.Tensor),
            "snip" => (new SnipCriterion(), ComparisonGroup.Model),
            "movement-score" => (new MovementCriterion(Movement(parse)), ComparisonGroup.Tensor),
            _ => throw new UserErrorException($"--method is \"{name}\"; supported: {string.Join(", ", s_methods)}."),
        };
    }

    private MovementOptions Movement(ParseResult parse) => new()
    {
        Steps = parse.GetValue(_movementSteps),
        BatchSize = parse.GetValue(_movementBatch),
        LearningRate = parse.GetValue(_movementRate),
        Optimizer = ParseEnum<MovementOptimizer>("--movement-optimizer", parse.GetValue(_movementOptimizer)!),
    };

    private IWeightUpdate? Update(ParseResult parse, IWeightCriterion criterion)
    {
        string name = parse.GetValue(_update) ?? (criterion is SparseGptCriterion ? "sparsegpt" : "none");
        return name switch
        {
            "none" => null,
            "sparsegpt" => new SparseGptUpdate(parse.GetValue(_damping), parse.GetValue(_blockSize)),
            "least-squares" => new LeastSquaresUpdate(parse.GetValue(_damping)),
            "bias" => new BiasCompensation(),
            _ => throw new UserErrorException(
                $"--update is \"{name}\"; supported: none, sparsegpt, least-squares, bias."),
        };
    }

    private static ISparsityAllocation Allocation(string name) => name switch
    {
        "uniform" => UniformAllocation.Instance,
        "erk" => new ErkAllocation(),
        "owl" => new OwlAllocation(),
        "global" => GlobalAllocation.Instance,
        "sensitivity" => new SensitivityAllocation(SensitivityMeasure.Perplexity),
        "sensitivity-error" => new SensitivityAllocation(SensitivityMeasure.OutputError),
        _ when name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) => FileAllocation.Read(name),
        _ => throw new UserErrorException(
            $"--allocation is \"{name}\"; supported: uniform, erk, owl, global, sensitivity, "
            + "sensitivity-error, or a .json file."),
    };
}
