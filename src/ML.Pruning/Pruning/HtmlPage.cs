using System.Globalization;
using System.Net;
using System.Text;

namespace ML.Pruning.Pruning;

/// <summary>What report pages share: one self-contained HTML document with tables and line charts.</summary>
/// <remarks>Nothing is loaded from anywhere; a page follows the reader's light or dark setting.</remarks>
internal static class HtmlPage
{
    private const string Style = """
        :root { --back: #fff; --text: #1b1f24; --soft: #59636e; --grid: #d8dee4;
          --c0: #0969da; --c1: #bc4c00; --c2: #1a7f37; --c3: #8250df; --c4: #bf3989; --c5: #6e7781; }
        @media (prefers-color-scheme: dark) { :root { --back: #0d1117; --text: #e6edf3;
          --soft: #9198a1; --grid: #30363d;
          --c0: #58a6ff; --c1: #f0883e; --c2: #56d364; --c3: #bc8cff; --c4: #f778ba; --c5: #8b949e; } }
        body { background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto;
          max-width: 60rem; padding: 0 1rem; }
        table { border-collapse: collapse; display: block; overflow-x: auto; margin: 1rem 0; }
        th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--grid); text-align: right; white-space: nowrap; }
        th:first-child, td:first-child { text-align: left; }
        figure { margin: 1.5rem 0; } figcaption { font-weight: 600; }
        svg { width: 100%; height: auto; } svg text { fill: var(--text); font: 12px system-ui, sans-serif; }
        svg .tick { fill: var(--soft); } .grid { stroke: var(--grid); } .line { fill: none; stroke-width: 2; }
        .s0 { stroke: var(--c0); } .s1 { stroke: var(--c1); } .s2 { stroke: var(--c2); } .s3 { stroke: var(--c3); }
        .s4 { stroke: var(--c4); } .s5 { stroke: var(--c5); } .dot.s0 { fill: var(--c0); } .dot.s1 { fill: var(--c1); }
        .dot.s2 { fill: var(--c2); } .dot.s3 { fill: var(--c3); } .dot.s4 { fill: var(--c4); }
        .dot.s5 { fill: var(--c5); }
        summary { cursor: pointer; }
        """;

    /// <summary>A page.</summary>
    /// <param name="title">Title and heading.</param>
    /// <param name="body">What stands below, HTML.</param>
    public static string Of(string title, string body) =>
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        + $"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n"
        + $"<style>\n{Style}\n</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n";

    /// <summary>Adds a chart of the lines that have points; without any, nothing.</summary>
    public static void AppendChart(StringBuilder page, string title, string x, string y,
        IEnumerable<(string Name, (double, double)[] Points)> series)
    {
        (string, IReadOnlyList<(double, double)>)[] drawn =
            [.. series.Where(s => s.Points.Length > 0)
                .Select(s => (s.Name, (IReadOnlyList<(double, double)>)s.Points))];
        if (drawn.Length > 0) page.Append(new SvgChart(title, x, y, drawn).ToHtml());
    }

    /// <summary>A row of a table.</summary>
    /// <param name="cell">td or th.</param>
    /// <param name="values">Text of the cells.</param>
    public static string Row(string cell, params string[] values) => "<tr>"
        + string.Concat(values.Select(v => $"<{cell}>{WebUtility.HtmlEncode(v)}</{cell}>")) + "</tr>\n";

    /// <summary>A number with four digits, or nothing.</summary>
    public static string Number(double? value) => value is { } number ? Text($"{number:G4}") : "";

    /// <summary>Formats without regard to culture.</summary>
    public static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
