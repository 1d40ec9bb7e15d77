using System.Text;
using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;

namespace ML.Pruning.Tool.Output;

/// <summary>Report files: JSON, or a page to look at.</summary>
internal static class ReportFile
{
    private static readonly string[] s_pageExtensions = [".html", ".htm"];

    /// <summary>Writes a report as what the extension says.</summary>
    public static void Write(string path, JsonObject report)
    {
        if (s_pageExtensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase))
            WritePage(path, [KeyValuePair.Create(Path.GetFileNameWithoutExtension(path), report)]);
        else
            AtomicFile.WriteAllBytes(path, Encoding.UTF8.GetBytes(report.ToString()));
    }

    /// <summary>Writes one page about several runs, all of pruning or all of training.</summary>
    public static void WritePage(string path, IReadOnlyList<KeyValuePair<string, JsonObject>> runs) =>
        AtomicFile.WriteAllBytes(path, Encoding.UTF8.GetBytes(runs.All(run => TrainingReportPage.IsReport(run.Value))
            ? TrainingReportPage.Of(runs)
            : PruningReportPage.Of(runs)));
}
