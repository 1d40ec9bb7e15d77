using System.CommandLine;
using ML.Pruning.Recovery.DynamicSparsity;

namespace ML.Pruning.Tool.Commands;

/// <summary>The options of <c>recover</c> for methods whose masks move.</summary>
internal sealed class DynamicsArguments
{
    private static readonly RigL s_rigl = new();
    private static readonly SoftMovementPruning s_soft = new();
    private static readonly LotteryTicket s_lottery = new();

    private readonly Option<double> _drop = new("--drop-fraction")
    {
        Description = "rigl, set: fraction of the weights that go (and come back elsewhere) at first.",
        DefaultValueFactory = _ => s_rigl.DropFraction,
    };
    private readonly Option<int?> _interval = new("--update-interval")
    {
        Description = "rigl, set: steps from one change to the next (default: a twentieth of the steps, from 5 to "
            + "100).",
    };
    private readonly Option<double?> _stop = new("--stop-fraction")
    {
        Description = "rigl, set, regrowing: fraction of the training after which masks stay (default 0.75; regrowing "
            + "0.8).",
    };
    private readonly Option<double?> _backward = new("--backward-sparsity")
    {
        Description = "regrowing: train only the largest weights, at this lower sparsity, as Top-KAST does (default: "
            + "all).",
    };
    private readonly Option<double?> _scoreRate = new("--score-learning-rate")
    {
        Description = "movement, soft-movement, edge-popup: highest learning rate of the scores (default 0.01; "
            + "soft-movement in short trainings 10 / steps).",
    };
    private readonly Option<string> _scoreOptimizer = new("--score-optimizer")
    {
        Description = "movement, soft-movement, edge-popup: adam, or sum (score = - rate * sum of gradients).",
        DefaultValueFactory = _ => "adam",
    };
    private readonly Option<string> _granularity = new("--granularity")
    {
        Description = "movement, soft-movement, edge-popup: what shares a score: pattern (a weight, or a block of "
            + "--pattern), row or head.",
        DefaultValueFactory = _ => "pattern",
    };
    private readonly Option<double> _threshold = new("--threshold")
    {
        Description = "soft-movement: what the sigmoid of a score must exceed in the end.",
        DefaultValueFactory = _ => s_soft.Threshold,
    };
    private readonly Option<double> _penalty = new("--penalty")
    {
        Description = "soft-movement: weight of the mean sigmoid of the scores; more of it, more zeros.",
        DefaultValueFactory = _ => s_soft.Penalty,
    };
    private readonly Option<int> _rounds = new("--rounds")
    {
        Description = "lottery: times that the model is pruned and its weights go back.",
        DefaultValueFactory = _ => s_lottery.Rounds,
    };
    private readonly Option<int> _rewind = new("--rewind-step")
    {
        Description = "lottery: the step whose weights they go back to; 0 = the start.",
        DefaultValueFactory = _ => s_lottery.RewindStep,
    };

    /// <summary>The methods.</summary>
    public static IReadOnlyList<string> Methods { get; } =
        ["movement", "soft-movement", "regrowing", "rigl", "set", "lottery", "edge-popup"];

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        Option[] all =
        [
            _drop, _interval, _stop, _backward, _scoreRate, _scoreOptimizer, _granularity, _threshold, _penalty,
            _rounds,
            _rewind,
        ];
        foreach (Option option in all) command.Options.Add(option);
    }

    /// <summary>The dynamics of a method.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="method">The method.</param>
    /// <returns>The dynamics; null if the method is none of <see cref="Methods"/>.</returns>
    public SparsityDynamics? Parse(ParseResult parse, string method)
    {
        double? stop = parse.GetValue(_stop);
        return method switch
        {
            "movement" => Scored(parse, new MovementPruning()),
            "soft-movement" => Scored(parse, new SoftMovementPruning
            {
                Threshold = parse.GetValue(_threshold),
                Penalty = parse.GetValue(_penalty),
            }),
            "edge-popup" => Scored(parse, new EdgePopup()),
            "regrowing" => new Regrowing
            {
                BackwardSparsity = parse.GetValue(_backward),
                StopFraction = stop ?? new Regrowing().StopFraction,
            },
            "rigl" => Moving(parse, new RigL(), stop),
            "set" => Moving(parse, new SparseEvolution(), stop),
            "lottery" => new LotteryTicket { Rounds = parse.GetValue(_rounds), RewindStep = parse.GetValue(_rewind) },
            _ => null,
        };
    }

    private LearnedScores Scored(ParseResult parse, LearnedScores scores) => scores with
    {
        ScoreLearningRate = parse.GetValue(_scoreRate),
        ScoreOptimizer = CommonOptions.ParseEnum<ScoreOptimizer>("--score-optimizer", parse.GetValue(_scoreOptimizer)!),
        Granularity = CommonOptions.ParseEnum<ScoreGranularity>("--granularity", parse.GetValue(_granularity)!),
    };

    private DropAndGrow Moving(ParseResult parse, DropAndGrow moving, double? stop) => moving with
    {
        DropFraction = parse.GetValue(_drop),
        Interval = parse.GetValue(_interval),
        StopFraction = stop ?? moving.StopFraction,
    };
}
