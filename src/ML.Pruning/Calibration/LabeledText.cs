using System.Globalization;

namespace ML.Pruning.Calibration;

/// <summary>A text and the label that it belongs to.</summary>
/// <param name="Text">The text.</param>
/// <param name="Label">The label: its name, or its number from 0.</param>
public sealed record LabeledText(string Text, string Label)
{
    private const string LabelName = "label";
    private static readonly string[] s_textNames = ["sentence", "text"];

    /// <summary>Reads a tab-separated file, lazily: its first line names the columns, of which <c>sentence</c> or
    /// <c>text</c>, and <c>label</c> are read. Nothing is quoted.</summary>
    /// <param name="path">The file, UTF-8.</param>
    /// <returns>The texts with their labels, in file order.</returns>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="InvalidDataException">A column is missing, a line has another number of them, or the file is
    /// not UTF-8.</exception>
    public static IEnumerable<LabeledText> Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path)) throw new FileNotFoundException($"The text file '{path}' does not exist.", path);
        return ReadRows(path);
    }

    /// <summary>The labels that texts have, each once: in the order of their numbers if all are numbers, else by
    /// name.</summary>
    /// <param name="texts">The texts.</param>
    /// <returns>The labels.</returns>
    public static IReadOnlyList<string> Labels(IEnumerable<LabeledText> texts)
    {
        string[] labels = [.. texts.Select(text => text.Label).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)];
        int[] numbers = [.. labels.Select(label => int.TryParse(label, NumberStyles.None, CultureInfo.InvariantCulture,
            out int number) ? number : -1)];
        return numbers.Contains(-1) ? labels : [.. labels.Zip(numbers).OrderBy(l => l.Second).Select(l => l.First)];
    }

    /// <summary>Whether a file is one of texts with labels, by its name.</summary>
    /// <param name="path">The file.</param>
    /// <returns>True for .tsv.</returns>
    public static bool IsFile(string path) =>
        Path.GetExtension(path).Equals(".tsv", StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<LabeledText> ReadRows(string path)
    {
        string[]? header = null;
        int text = -1, label = -1;
        foreach ((int number, string line) in TextCorpus.ReadLines(path))
        {
            string[] cells = line.Split('\t');
            if (header is null)
            {
                header = cells;
                text = Array.FindIndex(cells, cell => s_textNames.Contains(cell));
                label = Array.IndexOf(cells, LabelName);
                if (text < 0 || label < 0)
                {
                    throw new InvalidDataException(
                        $"'{path}', line {number}: the columns are {string.Join(", ", cells)}; "
                        + $"\"{string.Join("\" or \"", s_textNames)}\", and \"{LabelName}\" are needed.");
                }

                continue;
            }

            if (cells.Length != header.Length)
            {
                throw new InvalidDataException($"'{path}', line {number}: {cells.Length} columns; the first line has "
                    + $"{header.Length}.");
            }

            yield return new LabeledText(cells[text], cells[label]);
        }
    }
}
