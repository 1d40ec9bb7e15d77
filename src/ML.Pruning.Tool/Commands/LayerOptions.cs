using System.CommandLine;
using System.Globalization;
using ML.Pruning.Calibration;
using ML.Pruning.Pruning;
using ML.Pruning.Pruning.Structured;

namespace ML.Pruning.Tool.Commands;

/// <summary>The options of methods that remove whole layers or slice the residual stream.</summary>
internal sealed class LayerOptions
{
    private const string ShortGptName = "shortgpt", DepthName = "depth", SliceGptName = "slicegpt";

    private readonly Option<string?> _dropLayers = new("--drop-layers")
    {
        Description = "shortgpt: how many layers go, instead of --ratio. depth: which ones, such as 3,7..9, counted "
            + "from 0.",
    };

    private readonly Option<int> _dropFirst = new("--drop-first")
    {
        Description = "depth: how many of the first layers go.",
    };

    private readonly Option<int> _dropLast = new("--drop-last")
    {
        Description = "depth: how many of the last layers go.",
    };

    private readonly Option<string> _orientation = new("--orientation")
    {
        Description = "slicegpt: pca (principal components) or random (turned among themselves, by --seed).",
        DefaultValueFactory = _ => "pca",
    };

    /// <summary>The methods that these options spell.</summary>
    public static IReadOnlyList<string> Methods { get; } = [ShortGptName, DepthName, SliceGptName];

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_dropLayers, _dropFirst, _dropLast, _orientation])
            command.Options.Add(option);
    }

    /// <summary>The method that the arguments spell.</summary>
    /// <param name="name">One of <see cref="Methods"/>.</param>
    /// <param name="parse">The arguments.</param>
    /// <param name="ratio">The ratio among them.</param>
    /// <param name="roundTo">The multiple of widths among them.</param>
    /// <param name="calibration">The calibration options among them.</param>
    /// <param name="seed">The seed among them.</param>
    /// <exception cref="UserErrorException">An argument is not legal.</exception>
    public PruningMethod Parse(
        string name, ParseResult parse, double? ratio, int? roundTo, CalibrationOptions calibration, int seed)
    {
        string? layers = parse.GetValue(_dropLayers);
        switch (name)
        {
            case ShortGptName:
                if (ratio is not null && layers is not null)
                    throw new UserErrorException("Give either --ratio or --drop-layers.");
                return new ShortGpt
                {
                    Count = layers is null ? null : Number(layers),
                    Ratio = ratio ?? new ShortGpt().Ratio,
                    Calibration = calibration,
                };
            case DepthName:
                if (ratio is not null)
                    throw new UserErrorException("--method depth takes --drop-layers, --drop-first or --drop-last.");
                return new DepthPruning
                {
                    Layers = layers is null ? null : List(layers),
                    First = parse.GetValue(_dropFirst),
                    Last = parse.GetValue(_dropLast),
                };
            default:
                return new SliceGpt
                {
                    Ratio = ratio ?? new SliceGpt().Ratio,
                    RoundTo = roundTo ?? new SliceGpt().RoundTo,
                    Orientation = parse.GetValue(_orientation) switch
                    {
                        "pca" => SliceOrientation.Pca,
                        "random" => SliceOrientation.Random,
                        string other => throw new UserErrorException(
                            $"--orientation is \"{other}\"; supported: pca, random."),
                        null => SliceOrientation.Pca,
                    },
                    Seed = seed,
                    Calibration = calibration,
                };
        }
    }

    private static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            ? count
            : throw new UserErrorException($"--drop-layers is \"{text}\"; shortgpt takes a number of layers.");

    private static List<int> List(string text)
    {
        var layers = new List<int>();
        foreach (string part in text.Split(','))
        {
            try
            {
                LayerRange range = LayerRange.Parse(part);
                layers.AddRange(Enumerable.Range(range.First, range.Last - range.First + 1));
            }
            catch (ArgumentException e)
            {
                throw new UserErrorException($"--drop-layers: {e.Message}");
            }
        }

        return layers;
    }
}
