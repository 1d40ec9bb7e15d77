using System.Globalization;
using System.Text.Json.Nodes;
using ML.Pruning.Models;

namespace ML.Pruning.Pruning.Structured;

/// <summary>What happened to the groups of a family.</summary>
/// <param name="Kind">What a group makes up.</param>
/// <param name="Layer">Layer of the model before, from 0; -1 for the channels.</param>
/// <param name="Count">Groups before.</param>
/// <param name="Removed">Which of them went, in ascending order.</param>
public sealed record FamilyReport(GroupKind Kind, int Layer, int Count, IReadOnlyList<int> Removed)
{
    /// <summary>The highest score among those that went; null where nothing was scored, or nothing went.</summary>
    public double? HighestRemovedScore { get; init; }

    /// <summary>The lowest score among those that stayed; null where nothing was scored.</summary>
    public double? LowestKeptScore { get; init; }
}

/// <summary>What slicing the residual stream lost at one place.</summary>
/// <param name="Layer">Layer, from 0; -1 for the embedding.</param>
/// <param name="After">After what: embedding, attention or layer.</param>
/// <param name="LostEnergy">The fraction of the sum of squares of the stream that was in the directions that went, in
/// [0, 1].</param>
public sealed record SliceReport(int Layer, string After, double LostEnergy);

/// <summary>How a model became smaller.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed record StructureReport
{
    /// <summary>The shape before.</summary>
    public required ModelSpec Before { get; init; }

    /// <summary>The shape after.</summary>
    public required ModelSpec After { get; init; }

    /// <summary>The families that lost groups or might have.</summary>
    public required IReadOnlyList<FamilyReport> Families { get; init; }

    /// <summary>What slicing lost, in the order of the forward pass; empty where the stream was not sliced.</summary>
    public IReadOnlyList<SliceReport> Slices { get; init; } = [];

    /// <summary>The proof that the smaller model is the big one without what went: the largest difference between its
    /// logits and those of the big model with zeros in all that went, relative to the largest logit, in
    /// float32.</summary>
    public required double LargestLogitDifference { get; init; }

    /// <summary>The report as one JSON object.</summary>
    /// <returns>Keys parameters, macs, largestLogitDifference, families, slices.</returns>
    public JsonObject ToJson() => new()
    {
        ["parameters"] = new JsonObject { ["before"] = Before.ParameterCount, ["after"] = After.ParameterCount },
        ["macs"] = new JsonObject
        {
            ["tokens"] = PruningPlan.MacTokens,
            ["before"] = Before.MultiplyAccumulates(PruningPlan.MacTokens),
            ["after"] = After.MultiplyAccumulates(PruningPlan.MacTokens),
        },
        ["largestLogitDifference"] = LargestLogitDifference,
        ["families"] = new JsonArray([.. Families.Select(f => (JsonNode)new JsonObject
        {
            ["kind"] = f.Kind.ToString().ToLowerInvariant(),
            ["layer"] = f.Layer >= 0 ? f.Layer : null,
            ["before"] = f.Count,
            ["after"] = f.Count - f.Removed.Count,
            ["removed"] = new JsonArray([.. f.Removed.Select(i => (JsonNode)i)]),
            ["highestRemovedScore"] = f.HighestRemovedScore,
            ["lowestKeptScore"] = f.LowestKeptScore,
        })]),
        ["slices"] = new JsonArray([.. Slices.Select(s => (JsonNode)new JsonObject
        {
            ["layer"] = s.Layer >= 0 ? s.Layer : null,
            ["after"] = s.After,
            ["lostEnergy"] = s.LostEnergy,
        })]),
    };

    /// <summary>The report for reading.</summary>
    /// <returns>Totals, a row a family, what slicing lost, and the proof.</returns>
    public ReportTable ToTable()
    {
        long before = Before.ParameterCount, after = After.ParameterCount;
        string totals = string.Create(CultureInfo.InvariantCulture, $"{before:N0} parameters before, {after:N0} after "
            + $"({1 - (double)after / before:P1} less); at {PruningPlan.MacTokens} tokens "
            + $"{Before.MultiplyAccumulates(PruningPlan.MacTokens):N0} multiply-accumulates before, "
            + $"{After.MultiplyAccumulates(PruningPlan.MacTokens):N0} after.");
        string proof = string.Create(CultureInfo.InvariantCulture,
            $"Proof: the logits of the smaller model differ from "
            + $"those of the big one with zeros in what went by at most {LargestLogitDifference:0.0e+0} of the largest "
            + $"logit.");
        return new ReportTable
        {
            Heading = [totals],
            Columns = [new("where", IsNumber: false), new("groups", IsNumber: false), new("before"), new("after"),
                new("scores", IsNumber: false)],
            Rows = [.. Families.Select(f => (string[])[f.Layer < 0 ? "model" : $"layer {f.Layer}", NameOf(f.Kind),
                $"{f.Count}", $"{f.Count - f.Removed.Count}", Scores(f)])],
            Notes = [.. Slices.Select(Lost), proof],
        };
    }

    /// <summary>What a kind of group is called.</summary>
    internal static string NameOf(GroupKind kind) => kind switch
    {
        GroupKind.Heads => "key/value heads",
        GroupKind.Neuron => "MLP neurons",
        GroupKind.Channel => "channels",
        _ => "layer",
    };

    private static string Lost(SliceReport s)
    {
        string where = s.Layer < 0 ? s.After : $"layer {s.Layer}, after {(s.After == "layer" ? "the MLP" : s.After)}";
        return string.Create(CultureInfo.InvariantCulture,
            $"{where,-26}  {s.LostEnergy:P4} of the stream's energy went");
    }

    private static string Scores(FamilyReport f) => (f.HighestRemovedScore, f.LowestKeptScore) switch
    {
        ({ } removed, { } kept) => string.Create(
            CultureInfo.InvariantCulture, $"went up to score {removed:G4}, stayed from {kept:G4}"),
        (null, null) => "",
        (var removed, var kept) => string.Create(CultureInfo.InvariantCulture, $"score {removed ?? kept:G4}"),
    };
}
