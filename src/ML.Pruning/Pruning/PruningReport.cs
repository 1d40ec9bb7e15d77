using System.Globalization;
using System.Text.Json.Nodes;
using ML.Pruning.Pruning.Structured;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>What happened to one weight matrix.</summary>
/// <param name="Name">Canonical name.</param>
/// <param name="Elements">Number of weights.</param>
/// <param name="ZerosBefore">Zeros before.</param>
/// <param name="ZerosAfter">Zeros after, counted in the stored result.</param>
public sealed record TensorReport(string Name, long Elements, long ZerosBefore, long ZerosAfter)
{
    /// <summary>Bytes as stored now: dense elements, or codes and scales.</summary>
    public long Bytes { get; init; }

    /// <summary>The integer grid that the weights are on, such as <c>int8</c>; null for floating-point
    /// numbers.</summary>
    public string? Grid { get; init; }

    /// <summary>Of rounding to the grid: Frobenius norm of the change over that of the weights before rounding; null
    /// where nothing was rounded.</summary>
    public double? RelativeError { get; init; }

    /// <summary>Of the scores by which the weights were chosen, those of zeros left out: lowest, lower quartile,
    /// median, upper quartile, highest. Of large tensors from about 65,536 weights, whole rows evenly spaced. Null
    /// where a mask from outside decided, or nothing was to be removed.</summary>
    public IReadOnlyList<double>? ScoreQuantiles { get; init; }

    /// <summary>How much the outputs of the map change on the calibration text: ||X (W' - W)^T + b' - b|| / ||X W^T||,
    /// Frobenius norms, from the inputs X of up to 512 evenly spaced tokens that the unpruned map saw behind pruned
    /// layers. Null without calibration.</summary>
    public double? OutputError { get; init; }

    /// <summary>How long scoring, selection, update and rounding took; calibration counts apart.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The sparsity that the allocation gave the tensor, in [0, 1); null where a mask from outside
    /// decided.</summary>
    public double? Target { get; init; }

    /// <summary>Weights that were not removed and became zero by rounding.</summary>
    public long RoundedToZero { get; init; }

    /// <summary>Fraction of zeros after, in [0, 1].</summary>
    public double Sparsity => Elements == 0 ? 0 : (double)ZerosAfter / Elements;
}

/// <summary>What a pruning run did.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed record PruningReport
{
    /// <summary>Name of the method.</summary>
    public required string Method { get; init; }

    /// <summary>The tensors that changed, in the order of the forward pass.</summary>
    public required IReadOnlyList<TensorReport> Tensors { get; init; }

    /// <summary>The tensors that were left out, with the reasons.</summary>
    public IReadOnlyList<SkippedTensor> Skipped { get; init; } = [];

    /// <summary>Calibration windows asked for; 0 when the method needs none.</summary>
    public int WindowsAsked { get; init; }

    /// <summary>Calibration windows used.</summary>
    public int WindowsUsed { get; init; }

    /// <summary>Tokens in a calibration window.</summary>
    public int WindowLength { get; init; }

    /// <summary>How long the run took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>Plain sentences that the user should read.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>How the model became smaller; null for methods that set weights to zero.</summary>
    public StructureReport? Structure { get; init; }

    /// <summary>Fraction of zeros in the tensors that were pruned, in [0, 1].</summary>
    public double Sparsity
    {
        get
        {
            long elements = Tensors.Sum(t => t.Elements);
            return elements == 0 ? 0 : (double)Tensors.Sum(t => t.ZerosAfter) / elements;
        }
    }

    /// <summary>The sparsities that the allocation gave the tensors, however it came by them, as an allocation of their
    /// own: pruning the same model by it gives the same zeros.</summary>
    /// <returns>The allocation; null where masks from outside decided or the model became smaller.</returns>
    public FileAllocation? ToAllocation() => Tensors.Count == 0 || Tensors.Any(t => t.Target is null) ? null
        : new FileAllocation(Tensors.Select(t => KeyValuePair.Create(t.Name, t.Target!.Value)));

    /// <summary>The report as one JSON object.</summary>
    /// <returns>Keys method, sparsity, structure, calibration, durationSeconds, tensors, skipped, notes.</returns>
    public JsonObject ToJson() => new()
    {
        ["method"] = Method,
        ["sparsity"] = Sparsity,
        ["structure"] = Structure?.ToJson(),
        ["calibration"] = WindowsAsked == 0 ? null : new JsonObject
        {
            ["windowsAsked"] = WindowsAsked,
            ["windowsUsed"] = WindowsUsed,
            ["windowLength"] = WindowLength,
        },
        ["durationSeconds"] = Duration.TotalSeconds,
        ["tensors"] = new JsonArray([.. Tensors.Select(TensorJson)]),
        ["skipped"] = new JsonArray([.. Skipped.Select(
            s => (JsonNode)new JsonObject { ["name"] = s.Name, ["reason"] = s.Reason })]),
        ["notes"] = new JsonArray([.. Notes.Select(n => (JsonNode)n)]),
    };

    /// <summary>The report for reading.</summary>
    /// <returns>A row a tensor and a total (or a row a family of groups, where the model became smaller), and the
    /// notes.</returns>
    public ReportTable ToTable()
    {
        ReportTable table = Structure?.ToTable() ?? TensorTable();
        string[] calibration = WindowsAsked == 0
            ? []
            : [$"Calibration: {WindowsUsed} windows of {WindowLength} tokens."];
        return table with
        {
            Notes = [.. table.Notes, .. calibration, .. Skipped.Select(skipped => skipped.ToString()), .. Notes],
        };
    }

    private ReportTable TensorTable()
    {
        var total = new TensorReport("total", Tensors.Sum(t => t.Elements), Tensors.Sum(t => t.ZerosBefore),
            Tensors.Sum(t => t.ZerosAfter));
        return new ReportTable
        {
            Columns = [new("tensor", IsNumber: false), new("weights"), new("zeros before"), new("zeros after"),
                new("sparsity")],
            Rows =
            [
                .. Tensors.Append(total).Select(t => (string[])[t.Name, Number(t.Elements), Number(t.ZerosBefore),
                    Number(t.ZerosAfter), t.Sparsity.ToString("0.0000", CultureInfo.InvariantCulture)]),
            ],
            Notes = [.. Grids()],
        };
    }

    // Keys name, elements, zerosBefore, zerosAfter, sparsity, bytes, seconds; where they are known target,
    // scoreQuantiles and outputError; on a grid also grid, relativeError, roundedToZero.
    private static JsonNode TensorJson(TensorReport t)
    {
        var json = new JsonObject
        {
            ["name"] = t.Name,
            ["elements"] = t.Elements,
            ["zerosBefore"] = t.ZerosBefore,
            ["zerosAfter"] = t.ZerosAfter,
            ["sparsity"] = t.Sparsity,
            ["bytes"] = t.Bytes,
        };
        if (t.Target is not null) json["target"] = t.Target;
        if (t.ScoreQuantiles is { } quantiles)
            json["scoreQuantiles"] = new JsonArray([.. quantiles.Select(q => (JsonNode)q)]);
        if (t.OutputError is not null) json["outputError"] = t.OutputError;
        json["seconds"] = t.Duration.TotalSeconds;
        if (t.Grid is null) return json;
        json["grid"] = t.Grid;
        json["relativeError"] = t.RelativeError;
        json["roundedToZero"] = t.RoundedToZero;
        return json;
    }

    // One line for all tensors on a grid.
    private IEnumerable<string> Grids() => Tensors.Where(t => t.RelativeError is not null).GroupBy(t => t.Grid!)
        .Select(grid => string.Create(CultureInfo.InvariantCulture, $"{grid.Count()} tensors rounded to {grid.Key}: "
            + $"{grid.Sum(t => t.Bytes):N0} bytes, relative error {grid.Min(t => t.RelativeError):0.0000} to "
            + $"{grid.Max(t => t.RelativeError):0.0000}, {grid.Sum(t => t.RoundedToZero):N0} small weights "
            + $"became zero."));

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
