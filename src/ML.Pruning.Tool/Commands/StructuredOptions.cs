using System.CommandLine;
using System.Text.Json;
using ML.Pruning.Calibration;
using ML.Pruning.Importance;
using ML.Pruning.Pruning;
using ML.Pruning.Pruning.Structured;

namespace ML.Pruning.Tool.Commands;

/// <summary>The options of methods that make a model physically smaller.</summary>
internal sealed class StructuredOptions
{
    private readonly Option<double?> _ratio = new("--ratio")
    {
        Description = "Fraction that goes, between 0 and 1 (default: 0.25; flap 0.2): of the groups (llm-pruner), of "
            + "the weights of heads and neurons (flap), of the layers (shortgpt), of the stream's width (slicegpt).",
    };

    private readonly Option<string> _granularity = new("--granularity")
    {
        Description = "llm-pruner: block (heads and neurons), channel (of the residual stream) or layer.",
        DefaultValueFactory = _ => "block",
    };

    private readonly Option<string?> _attentionLayers = new("--attention-layers")
    {
        Description = "Layers whose heads go, such as 4..29, both ends included, from 0 (default: all but the first "
            + "and last max(1, layers / 8)).",
    };

    private readonly Option<string?> _mlpLayers = new("--mlp-layers")
    {
        Description = "Layers whose MLP neurons go (default: as for --attention-layers).",
    };

    private readonly Option<string> _importance = new("--importance")
    {
        Description = $"llm-pruner: {Names<GroupImportance>()}.",
        DefaultValueFactory = _ => "taylor-first",
    };

    private readonly Option<string> _aggregation = new("--aggregation")
    {
        Description = $"llm-pruner: how the scores of a group's parameters are put together: "
            + $"{Names<GroupAggregation>()}.",
        DefaultValueFactory = _ => "sum",
    };

    private readonly Option<bool> _global = new("--global")
    {
        Description = "llm-pruner: let the groups of all layers compete, instead of each layer's among themselves.",
    };

    private readonly Option<string> _normalization = new("--normalization")
    {
        Description = $"llm-pruner with --global: what makes scores comparable: {Names<ScoreNormalization>()}.",
        DefaultValueFactory = _ => "none",
    };

    private readonly Option<bool> _weighByCost = new("--weigh-by-cost")
    {
        Description = "llm-pruner with --global: divide scores by parameters; the ratio is then one of parameters.",
    };

    private readonly Option<bool> _uniform = new("--uniform")
    {
        Description = "Prune all layers alike, so that other software can load the result.",
    };

    private readonly Option<int> _steps = new("--steps")
    {
        Description = "llm-pruner: steps in which the ratio is reached; each scores what is left.",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<int?> _keepLayers = new("--keep-layers")
    {
        Description = "llm-pruner with --granularity layer: how many of the first layers stay (default: 12).",
    };

    private readonly Option<string> _metric = new("--metric")
    {
        Description = $"flap: {Names<FluctuationMetric>()}.",
        DefaultValueFactory = _ => "wifv",
    };

    private readonly Option<string> _structure = new("--structure")
    {
        Description = $"flap: how the ratio is shared out among layers, heads and neurons: {Names<FlapStructure>()}.",
        DefaultValueFactory = _ => "al-am",
    };

    private readonly Option<int> _removedHeads = new("--removed-heads")
    {
        Description = "flap with --structure ul-mm or al-mm: key/value heads that go in all layers together.",
    };

    private readonly Option<bool> _noBias = new("--no-bias-compensation")
    {
        Description = "flap: add no biases for what went.",
    };

    private readonly Option<int?> _targetHeads = new("--target-key-value-heads")
    {
        Description = "width: key/value heads of each layer that stay.",
    };

    private readonly Option<int?> _targetMlp = new("--target-mlp-width")
    {
        Description = "width: MLP neurons of each layer that stay.",
    };

    private readonly Option<int?> _targetHidden = new("--target-hidden-size")
    {
        Description = "width: channels of the residual stream that stay.",
    };

    private readonly Option<int?> _targetLayers = new("--target-layers")
    {
        Description = "width: layers that stay.",
    };

    private readonly Option<int?> _roundTo = new("--round-to")
    {
        Description = "width, slicegpt: multiple to which widths are rounded down, at least 1 (default: 64 and 8).",
    };

    /// <summary>The methods that these options spell.</summary>
    public static IReadOnlyList<string> Methods { get; } = ["llm-pruner", "flap", "width", .. LayerOptions.Methods];

    private readonly LayerOptions _layers = new();

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        Option[] options = [_ratio, _granularity, _attentionLayers, _mlpLayers, _importance, _aggregation, _global,
            _normalization, _weighByCost, _uniform, _steps, _keepLayers, _metric, _structure, _removedHeads, _noBias,
            _targetHeads, _targetMlp, _targetHidden, _targetLayers, _roundTo];
        foreach (Option option in options) command.Options.Add(option);
        _layers.AddTo(command);
    }

    /// <summary>The method that the arguments spell.</summary>
    /// <param name="name">One of <see cref="Methods"/>.</param>
    /// <param name="parse">The arguments.</param>
    /// <param name="calibration">The calibration options among them.</param>
    /// <param name="seed">The seed among them.</param>
    /// <exception cref="UserErrorException">An argument is not legal.</exception>
    public PruningMethod Parse(string name, ParseResult parse, CalibrationOptions calibration, int seed) => name switch
    {
        "llm-pruner" => LlmPruner(parse, calibration, seed),
        "flap" => Flap(parse, calibration),
        "width" => new WidthPruning
        {
            KeyValueHeads = parse.GetValue(_targetHeads),
            MlpWidth = parse.GetValue(_targetMlp),
            HiddenSize = parse.GetValue(_targetHidden),
            Layers = parse.GetValue(_targetLayers),
            RoundTo = parse.GetValue(_roundTo) ?? new WidthPruning().RoundTo,
            Calibration = calibration,
        },
        _ => _layers.Parse(
            name, parse, parse.GetValue(_ratio), parse.GetValue(_roundTo), calibration, seed),
    };

    private Flap Flap(ParseResult parse, CalibrationOptions calibration)
    {
        var standard = new Flap();
        return new Flap
        {
            Ratio = parse.GetValue(_ratio) ?? standard.Ratio,
            Metric = ParseName<FluctuationMetric>("--metric", parse.GetValue(_metric)!),
            Structure = ParseName<FlapStructure>("--structure", parse.GetValue(_structure)!),
            RemovedHeads = parse.GetValue(_removedHeads),
            CompensateBias = !parse.GetValue(_noBias),
            Calibration = calibration,
        };
    }

    private LlmPruner LlmPruner(ParseResult parse, CalibrationOptions calibration, int seed)
    {
        var standard = new LlmPruner();
        return new LlmPruner
        {
            Ratio = parse.GetValue(_ratio) ?? standard.Ratio,
            Granularity = ParseName<PruningGranularity>("--granularity", parse.GetValue(_granularity)!),
            Importance = ParseName<GroupImportance>("--importance", parse.GetValue(_importance)!),
            Aggregation = ParseName<GroupAggregation>("--aggregation", parse.GetValue(_aggregation)!),
            Global = parse.GetValue(_global),
            Normalization = ParseName<ScoreNormalization>("--normalization", parse.GetValue(_normalization)!),
            WeighByCost = parse.GetValue(_weighByCost),
            AttentionLayers = Range("--attention-layers", parse.GetValue(_attentionLayers)),
            MlpLayers = Range("--mlp-layers", parse.GetValue(_mlpLayers)),
            Uniform = parse.GetValue(_uniform),
            Steps = parse.GetValue(_steps),
            KeepLayers = parse.GetValue(_keepLayers) ?? standard.KeepLayers,
            Seed = seed,
            Calibration = calibration,
        };
    }

    /// <summary>Refuses the options for a method that they do not belong to.</summary>
    /// <exception cref="UserErrorException">One is given.</exception>
    public void RefuseFor(string method, ParseResult parse)
    {
        if (parse.GetValue(_ratio) is not null)
            throw new UserErrorException($"--ratio is for {string.Join(", ", Methods)}; --method {method} takes "
                + "--sparsity.");
    }

    private static LayerRange? Range(string option, string? text)
    {
        if (text is null) return null;
        try
        {
            return LayerRange.Parse(text);
        }
        catch (ArgumentException e)
        {
            throw new UserErrorException($"{option}: {e.Message}");
        }
    }

    private static string Names<T>()
        where T : struct, Enum => string.Join(", ", Enum.GetNames<T>().Select(Kebab));

    private static string Kebab(string name) => JsonNamingPolicy.KebabCaseLower.ConvertName(name);

    private static T ParseName<T>(string option, string text)
        where T : struct, Enum
    {
        foreach (T value in Enum.GetValues<T>())
            if (Kebab(value.ToString()) == text) return value;
        throw new UserErrorException($"{option} is \"{text}\"; supported: {Names<T>()}.");
    }
}
