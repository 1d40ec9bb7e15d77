using System.Text.Json.Nodes;
using ML.Pruning.Models;

namespace ML.Pruning.Recovery;

/// <summary>How LoRA adapters are shaped and trained.</summary>
public sealed record LoraOptions
{
    /// <summary>The target that stands for every linear map of the layers.</summary>
    public const string AllLinear = "all-linear";

    private const double HighestLearningRate = 5e-3; // for a width of 64 or less

    /// <summary>Rank r of the updates, from 1 to 4096.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>Alpha: the update B A is multiplied by alpha / r. Positive.</summary>
    public double Alpha { get; init; } = 16;

    /// <summary>Probability that an input of an adapter is left out in training, in [0, 1). Where zeros are kept, or
    /// with <see cref="Dora"/>, an input is left out for a whole batch at once, so that one product is
    /// enough.</summary>
    public double Dropout { get; init; } = 0.05;

    /// <summary>Linear maps that get an adapter, by the end of their name: <c>q_proj</c>, <c>self_attn.q_proj</c>,
    /// <c>layers.3.mlp.up_proj</c>; or <see cref="AllLinear"/>.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [AllLinear];

    /// <summary>Divide alpha by the root of r instead of r (rsLoRA, Kalajdzievski 2023, arXiv:2312.03732).</summary>
    public bool RsLora { get; init; }

    /// <summary>Train the length of each weight row apart from its direction (DoRA, Liu et al. 2024,
    /// arXiv:2402.09353).</summary>
    public bool Dora { get; init; }

    /// <summary>Leave weights as they are and the adapter beside them, instead of merging it in.</summary>
    public bool KeepAdapter { get; init; }

    /// <summary>Tokens of an example, from 2 to the model's context; null = the lesser of 256 and the context. For
    /// examples that are made from text or pairs here.</summary>
    public int? SequenceLength { get; init; }

    /// <summary>How the adapters are trained. The seed also draws A. A learning rate that is null is 0.32 / hidden size,
    /// at most 5e-3.</summary>
    public TrainingOptions Training { get; init; } = new() { WeightDecay = 0, Beta2 = 0.999 };

    /// <summary><see cref="Training"/>, with the learning rate settled.</summary>
    internal TrainingOptions TrainingOf(ModelSpec spec) => Training with
    {
        LearningRate = Training.LearningRate ?? TrainingOptions.RateForWidth(HighestLearningRate, spec.HiddenSize),
    };

    /// <summary>The options of the method, for provenance.</summary>
    internal JsonObject ToJson() => new()
    {
        ["rank"] = Rank,
        ["alpha"] = Alpha,
        ["dropout"] = Dropout,
        ["targets"] = new JsonArray([.. Targets.Select(t => (JsonNode)t)]),
        ["rsLora"] = RsLora,
        ["dora"] = Dora,
        ["keepAdapter"] = KeepAdapter,
    };

    /// <summary>Checks the options.</summary>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    internal void Validate()
    {
        if (Rank is < 1 or > 4096) throw new ArgumentException($"The LoRA rank is {Rank}; it must be from 1 to 4096.");
        if (!(Alpha > 0) || !double.IsFinite(Alpha))
            throw new ArgumentException($"LoRA's alpha is {Alpha}; it must be positive and finite.");
        if (!(Dropout >= 0 && Dropout < 1))
            throw new ArgumentException($"The LoRA dropout is {Dropout}; it must be at least 0 and below 1.");
        if (Targets.Count == 0)
            throw new ArgumentException($"There is no LoRA target; name some linear maps, or \"{AllLinear}\".");
    }

    /// <summary>The adapters of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="keptZeros">Weights whose zeros are kept.</param>
    /// <returns>One adapter a target, in the order of the forward pass.</returns>
    /// <exception cref="ArgumentException">A target is no linear map of the model.</exception>
    internal IReadOnlyList<AdapterSpec> Adapters(LanguageModel model, IReadOnlySet<string> keptZeros)
    {
        LinearSpec[] linears =
            [.. Enumerable.Range(0, model.Spec.Layers.Count).SelectMany(layer => model.Spec.Linears(layer))];
        foreach (string target in Targets)
        {
            if (linears.Any(linear => Matches(linear, target))) continue;
            throw new ArgumentException($"The LoRA target \"{target}\" is no linear map of the model; there are "
                + $"{string.Join(", ", linears.Select(l => l.Part).Distinct())}, or \"{AllLinear}\".");
        }

        return [.. linears.Where(linear => Targets.Any(target => Matches(linear, target))).Select(linear =>
            new AdapterSpec
            {
                Layer = linear.Layer,
                Part = linear.Part,
                Rank = Rank,
                Alpha = Alpha,
                RankStabilized = RsLora,
                HasMagnitude = Dora,
                KeepsZeros = keptZeros.Contains(linear.WeightName),
            })];
    }

    private static bool Matches(LinearSpec linear, string target) => target == AllLinear
        || $".layers.{linear.Layer}.{linear.Part}".EndsWith("." + target, StringComparison.Ordinal);
}
