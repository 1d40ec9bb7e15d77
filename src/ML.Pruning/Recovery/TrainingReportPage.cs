using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using static ML.Pruning.Pruning.HtmlPage;

namespace ML.Pruning.Recovery;

/// <summary>One self-contained HTML page about one or several training runs: what each came to, and the loss
/// curves.</summary>
public static class TrainingReportPage
{
    private const int MostPoints = 400;

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Whether an object is the report of a training run.</summary>
    /// <param name="report">The object.</param>
    public static bool IsReport(JsonObject report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return report.ContainsKey("curve");
    }

    /// <summary>Writes the page.</summary>
    /// <remarks>Losses of batches are drawn as means of as many steps that at most 400 points are left.</remarks>
    /// <param name="runs">For each run a name, and what <see cref="TrainingReport.ToJson"/> or
    /// <see cref="SparseFineTuneReport.ToJson"/> gave.</param>
    /// <returns>The page.</returns>
    /// <exception cref="ArgumentException">There is no run, or one is no such object; the message names it.</exception>
    public static string Of(IReadOnlyList<KeyValuePair<string, JsonObject>> runs)
    {
        ArgumentNullException.ThrowIfNull(runs);
        if (runs.Count == 0) throw new ArgumentException("A report page needs at least one run.", nameof(runs));
        (string Name, Run Run)[] read = [.. runs.Select(r => (r.Key, Read(r.Key, r.Value)))];
        var page = new StringBuilder("<table>\n");
        page.Append(Row("th", "run", "steps", "parameters trained", "sparsity", "held-out loss before", "best",
            "at step", "steps skipped", "went back", "tokens/s"));
        foreach ((string name, Run run) in read)
        {
            page.Append(Row("td", name, Text($"{run.StepsDone} of {run.Steps}"), Text($"{run.TrainedParameters:N0}"),
                run.Sparsity is { } sparsity ? Text($"{sparsity:0.0000}") : "", Number(run.InitialLoss),
                Number(run.BestLoss), Text($"{run.BestStep}"), Text($"{run.SkippedSteps}"), Text($"{run.Rollbacks}"),
                Text($"{run.TokensPerSecond:N0}")));
        }

        page.Append("</table>\n");
        foreach ((string name, Run run) in read.Where(r => r.Run.WhyStopped is not null))
            page.Append(Text($"<p>{Encode(name)} stopped early: {Encode(run.WhyStopped!)}.</p>\n"));
        AppendChart(page, "Loss", "step", "nats a token", read.SelectMany(r => Losses(r.Name, r.Run)));
        AppendChart(page, "Learning rate", "step", "rate", read.Select(r => (r.Name, Thin(
            [.. r.Run.Curve.Where(p => p.Step > 0).Select(p => ((double)p.Step, p.LearningRate))]))));
        return Pruning.HtmlPage.Of("Training report", page.ToString());
    }

    private static IEnumerable<(string Name, (double, double)[] Points)> Losses(string name, Run run)
    {
        yield return ($"{name}, batches",
            Thin([.. run.Curve.Where(p => p.Loss is not null).Select(p => ((double)p.Step, p.Loss!.Value))]));
        yield return ($"{name}, held out",
            [.. run.Curve.Where(p => p.ValidationLoss is not null)
                .Select(p => ((double)p.Step, p.ValidationLoss!.Value))]);
    }

    private static (double, double)[] Thin((double Step, double Value)[] points) =>
        [.. points.Chunk((points.Length + MostPoints - 1) / MostPoints is > 0 and int size ? size : 1)
            .Select(chunk => (chunk[^1].Step, chunk.Average(p => p.Value)))];

    private static string Encode(string text) => System.Net.WebUtility.HtmlEncode(text);

    private static Run Read(string name, JsonObject json)
    {
        try
        {
            return json.Deserialize<Run>(s_json)!;
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"'{name}' is no report of a training run: {e.Message}", e);
        }
    }

    // What the page reads of the reports.
    private sealed record Run
    {
        public required int Steps { get; init; }

        public required int StepsDone { get; init; }

        public string? WhyStopped { get; init; }

        public required long TrainedParameters { get; init; }

        public double? Sparsity { get; init; }

        public double? InitialLoss { get; init; }

        public double? BestLoss { get; init; }

        public required int BestStep { get; init; }

        public required int SkippedSteps { get; init; }

        public required int Rollbacks { get; init; }

        public required double TokensPerSecond { get; init; }

        public required IReadOnlyList<TrainingPoint> Curve { get; init; }
    }
}
