using System.Globalization;
using System.Net;
using System.Text;

namespace ML.Pruning.Pruning;

/// <summary>A line chart as SVG, in colours of the page that it stands in.</summary>
/// <param name="Title">What it shows.</param>
/// <param name="XLabel">What the horizontal axis counts.</param>
/// <param name="YLabel">What the vertical axis counts.</param>
/// <param name="Series">Lines by name, each of at least one point; drawn in the classes s0, s1 and so on.</param>
internal sealed record SvgChart(string Title, string XLabel, string YLabel,
    IReadOnlyList<(string Name, IReadOnlyList<(double X, double Y)> Points)> Series)
{
    /// <summary>Colours that the page defines.</summary>
    public const int Colours = 6;

    private const int Width = 640, Height = 320, Left = 64, Right = 16, Top = 16, Bottom = 48, LegendLine = 18;
    private const int Ticks = 5;

    /// <summary>Values at round distances that cover a range.</summary>
    public static double[] RoundTicks(double low, double high)
    {
        double range = high > low ? high - low : Math.Max(Math.Abs(high), 1) / 10;
        double rough = range / Ticks, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = new[] { 1, 2, 5, 10 }.First(m => m * power >= rough * 0.999) * power;
        double first = Math.Floor(low / step + 1e-9);
        int count = (int)Math.Max(1, Math.Ceiling(high / step - 1e-9) - first);
        return [.. Enumerable.Range(0, count + 1).Select(i => (first + i) * step)];
    }

    /// <summary>The chart with a heading and a legend.</summary>
    public string ToHtml()
    {
        (double X, double Y)[] points = [.. Series.SelectMany(s => s.Points)];
        double[] xs = RoundTicks(points.Min(p => p.X), points.Max(p => p.X));
        double[] ys = RoundTicks(Math.Min(0, points.Min(p => p.Y)), points.Max(p => p.Y));
        double X(double x) => Left + (x - xs[0]) / (xs[^1] - xs[0]) * (Width - Left - Right);
        double Y(double y) => Height - Bottom - (y - ys[0]) / (ys[^1] - ys[0]) * (Height - Top - Bottom);
        int legend = Series.Count > 1 ? LegendLine * Series.Count : 0;
        var svg = new StringBuilder();
        svg.Append(Text($"<figure><figcaption>{Encode(Title)}</figcaption>"))
            .Append(Text($"<svg viewBox=\"0 0 {Width} {Height + legend}\" role=\"img\" "))
            .Append(Text($"aria-label=\"{Encode(Title)}\">\n"));
        foreach (double x in xs)
        {
            svg.Append(Text($"<text class=\"tick\" x=\"{X(x):0.#}\" y=\"{Height - Bottom + 18}\" "))
                .Append(Text($"text-anchor=\"middle\">{x:0.####}</text>\n"));
        }

        foreach (double y in ys)
        {
            svg.Append(Text($"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(y):0.#}\" "))
                .Append(Text($"y2=\"{Y(y):0.#}\"/><text class=\"tick\" x=\"{Left - 8}\" y=\"{Y(y) + 4:0.#}\" "))
                .Append(Text($"text-anchor=\"end\">{y:0.####}</text>\n"));
        }

        svg.Append(Text($"<text x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 8}\" text-anchor=\"middle\">"))
            .Append(Text($"{Encode(XLabel)}</text><text transform=\"rotate(-90)\" "))
            .Append(Text($"x=\"{-(Top + Height - Bottom) / 2}\" "))
            .Append(Text($"y=\"14\" text-anchor=\"middle\">{Encode(YLabel)}</text>\n"));
        for (int i = 0; i < Series.Count; i++)
        {
            string path = string.Join(' ', Series[i].Points.Select(p => Text($"{X(p.X):0.#},{Y(p.Y):0.#}")));
            svg.Append(Text($"<polyline class=\"line s{i % Colours}\" points=\"{path}\"/>"));
            foreach ((double x, double y) in Series[i].Points)
            {
                svg.Append(Text($"<circle class=\"dot s{i % Colours}\" cx=\"{X(x):0.#}\" cy=\"{Y(y):0.#}\" r=\"3\">"))
                    .Append(Text($"<title>{Encode(Series[i].Name)}: {x:0.####}, {y:0.####}</title></circle>"));
            }

            svg.Append('\n');
            if (legend == 0) continue;
            int at = Height + LegendLine * i + 6;
            svg.Append(Text($"<rect class=\"dot s{i % Colours}\" x=\"{Left}\" y=\"{at - 5}\" "))
                .Append(Text($"width=\"12\" height=\"4\"/>"))
                .Append(Text($"<text x=\"{Left + 20}\" y=\"{at + 1}\">{Encode(Series[i].Name)}</text>\n"));
        }

        return svg.Append("</svg></figure>\n").ToString();
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}
