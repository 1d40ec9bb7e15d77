using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using static ML.Pruning.Pruning.HtmlPage;

namespace ML.Pruning.Pruning;

/// <summary>One self-contained HTML page about one or several pruning runs: what each did, sparsity and output error by
/// layer, and perplexity against sparsity.</summary>
public static partial class PruningReportPage
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Writes the page.</summary>
    /// <param name="runs">For each run a name, and what <see cref="PruningReport.ToJson"/> gave. A key
    /// <c>perplexity</c> {data, sequenceLength, before, after}, if there is one, is shown and plotted; <c>size</c>
    /// {before, after}, in bytes as saved compressed, and <c>tokensPerSecond</c> {before, after}, of reading text, are
    /// shown.</param>
    /// <returns>The page.</returns>
    /// <exception cref="ArgumentException">There is no run, or one is no such object; the message names it.</exception>
    public static string Of(IReadOnlyList<KeyValuePair<string, JsonObject>> runs)
    {
        ArgumentNullException.ThrowIfNull(runs);
        if (runs.Count == 0) throw new ArgumentException("A report page needs at least one run.", nameof(runs));
        (string Name, Run Run)[] read = [.. runs.Select(r => Read(r.Key, r.Value))];
        var page = new StringBuilder();
        AppendRuns(page, read);
        AppendCharts(page, read);
        foreach ((string name, Run run) in read) AppendDetails(page, name, run);
        return HtmlPage.Of("Pruning report", page.ToString());
    }

    // A column for each run, so that one run fits a phone.
    private static void AppendRuns(StringBuilder page, (string Name, Run Run)[] runs)
    {
        page.Append("<table>\n").Append(Row("th", ["", .. runs.Select(r => r.Name)]));
        Fact("method", run => run.Method);
        Fact("sparsity", run => Text($"{run.Sparsity:0.0000}"));
        Fact("perplexity before", run => Number(run.Perplexity?.Before));
        Fact("perplexity after", run => Number(run.Perplexity?.After));
        Fact("compressed bytes before", run => Whole(run.Size?.Before));
        Fact("compressed bytes after", run => Whole(run.Size?.After));
        Fact("tokens/s read before", run => Whole(run.TokensPerSecond?.Before));
        Fact("tokens/s read after", run => Whole(run.TokensPerSecond?.After));
        Fact("calibration", run =>
            run.Calibration is { } c ? Text($"{c.WindowsUsed} windows of {c.WindowLength}") : "");
        Fact("seconds", run => Text($"{run.DurationSeconds:0.0}"));
        page.Append("</table>\n");

        void Fact(string name, Func<Run, string> value)
        {
            string[] values = [.. runs.Select(r => value(r.Run))];
            if (values.Any(v => v.Length > 0)) page.Append(Row("td", [name, .. values]));
        }
    }

    private static void AppendCharts(StringBuilder page, (string Name, Run Run)[] runs)
    {
        AppendChart(page, "Perplexity against sparsity", "sparsity", "perplexity", runs.Select(r => r.Run)
            .Where(r => r.Perplexity is not null).GroupBy(r => r.Method).Select(g => (g.Key, FromDense([.. g]))));
        AppendChart(page, "Sparsity by layer", "layer", "zeros / weights",
            runs.Select(r => (r.Name, ByLayer(r.Run.Tensors,
            tensors => tensors.Sum(t => (double)t.ZerosAfter) / tensors.Sum(t => (double)t.Elements)))));
        AppendChart(page, "Relative output error by layer (root mean square of its maps)", "layer", "error",
            runs.Select(r => (r.Name, ByLayer(r.Run.Tensors.Where(t => t.OutputError is not null),
                tensors => Math.Sqrt(tensors.Average(t => t.OutputError!.Value * t.OutputError.Value))))));
    }

    // A line starts at the model before, without zeros.
    private static (double, double)[] FromDense(Run[] runs) =>
    [
        (0, runs[0].Perplexity!.Before),
        .. runs.OrderBy(r => r.Sparsity).Select(r => (r.Sparsity, r.Perplexity!.After)),
    ];

    private static (double, double)[] ByLayer(IEnumerable<Tensor> tensors, Func<Tensor[], double> value) =>
        [.. tensors.GroupBy(LayerOf).Where(g => g.Key >= 0).OrderBy(g => g.Key)
            .Select(g => ((double)g.Key, value([.. g])))];

    private static void AppendDetails(StringBuilder page, string name, Run run)
    {
        page.Append(Text($"<h2>{WebUtility.HtmlEncode(name)}</h2>\n"));
        foreach (string note in run.Notes) page.Append(Text($"<p>{WebUtility.HtmlEncode(note)}</p>\n"));
        if (run.Tensors.Count == 0) return;
        page.Append(Text($"<details><summary>{run.Tensors.Count} tensors</summary>\n<table>\n")).Append(
            Row("th", "tensor", "weights", "zeros", "sparsity", "output error", "lowest score", "quartile", "median",
                "quartile", "highest", "seconds"));
        foreach (Tensor t in run.Tensors)
        {
            page.Append(Row("td", [t.Name, Text($"{t.Elements:N0}"), Text($"{t.ZerosAfter:N0}"),
                Text($"{t.Sparsity:0.0000}"), Number(t.OutputError),
                .. Enumerable.Range(0, 5).Select(i => Number(t.ScoreQuantiles.Count == 5 ? t.ScoreQuantiles[i] : null)),
                Number(t.Seconds)]));
        }

        page.Append("</table></details>\n");
    }

    private static string Whole(double? value) => value is { } number ? Text($"{number:N0}") : "";

    private static (string Name, Run Run) Read(string name, JsonObject json)
    {
        try
        {
            return (name, json.Deserialize<Run>(s_json)!);
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"'{name}' is no report of a pruning run: {e.Message}", e);
        }
    }

    private static int LayerOf(Tensor tensor) => LayerNumber().Match(tensor.Name) is { Success: true } layer
        ? int.Parse(layer.Groups[1].Value, CultureInfo.InvariantCulture)
        : -1;

    [GeneratedRegex(@"^layers\.(\d{1,6})\.")]
    private static partial Regex LayerNumber();

    // What the page reads of PruningReport.ToJson.
    private sealed record Run
    {
        public required string Method { get; init; }

        public required double Sparsity { get; init; }

        public required double DurationSeconds { get; init; }

        public Windows? Calibration { get; init; }

        public BeforeAndAfter? Perplexity { get; init; }

        public BeforeAndAfter? Size { get; init; }

        public BeforeAndAfter? TokensPerSecond { get; init; }

        public required IReadOnlyList<Tensor> Tensors { get; init; }

        public required IReadOnlyList<string> Notes { get; init; }
    }

    private sealed record Windows(int WindowsUsed, int WindowLength);

    private sealed record BeforeAndAfter(double Before, double After);

    private sealed record Tensor
    {
        public required string Name { get; init; }

        public required long Elements { get; init; }

        public required long ZerosAfter { get; init; }

        public required double Sparsity { get; init; }

        public double? OutputError { get; init; }

        public double? Seconds { get; init; }

        public IReadOnlyList<double> ScoreQuantiles { get; init; } = [];
    }
}
