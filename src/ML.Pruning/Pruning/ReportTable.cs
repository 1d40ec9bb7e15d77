using System.Text;

namespace ML.Pruning.Pruning;

/// <summary>A column of a table for reading.</summary>
/// <param name="Name">What stands above it.</param>
/// <param name="IsNumber">Whether it holds numbers, which end below each other.</param>
public sealed record ReportColumn(string Name, bool IsNumber = true);

/// <summary>A plan or a report for reading: sentences, a table, sentences.</summary>
/// <remarks>Immutable and thread-safe. <see cref="ToString"/> gives plain text; who has a terminal or a page may set
/// the same contents better.</remarks>
public sealed record ReportTable
{
    /// <summary>Sentences above the table, such as totals.</summary>
    public IReadOnlyList<string> Heading { get; init; } = [];

    /// <summary>The columns.</summary>
    public required IReadOnlyList<ReportColumn> Columns { get; init; }

    /// <summary>The rows, each with one cell a column.</summary>
    public required IReadOnlyList<IReadOnlyList<string>> Rows { get; init; }

    /// <summary>Sentences below the table.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Plain text.</summary>
    /// <returns>The heading, one line a row under the names of the columns, and the notes; without rows no names.
    /// Lines end with a line feed.</returns>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (string line in Heading) text.Append(line).Append('\n');
        if (Rows.Count > 0)
        {
            string[] names = [.. Columns.Select(column => column.Name)];
            int[] widths = [.. names.Select((name, i) => Math.Max(name.Length, Rows.Max(row => row[i].Length)))];
            foreach (IReadOnlyList<string> row in Rows.Prepend(names))
            {
                IEnumerable<string> cells = Columns.Select((column, i) =>
                    column.IsNumber ? row[i].PadLeft(widths[i]) : row[i].PadRight(widths[i]));
                text.Append(string.Join("  ", cells).TrimEnd()).Append('\n');
            }
        }

        foreach (string line in Notes) text.Append(line).Append('\n');
        return text.ToString();
    }
}
