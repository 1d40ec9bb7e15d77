using System.Text;
using System.Text.Json;

namespace ML.Pruning.Calibration;

/// <summary>Reads texts for calibration and evaluation.</summary>
public static class TextCorpus
{
    private static readonly UTF8Encoding s_strictUtf8 =
        new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The documents of a file, lazily: of a <c>.jsonl</c> file the <c>text</c> of each line, of a
    /// <c>.tsv</c> file its texts (<see cref="LabeledText"/>), of any other file its whole content.</summary>
    /// <param name="path">The file, UTF-8.</param>
    /// <returns>The documents, in file order.</returns>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="InvalidDataException">A line is no JSON object with a string <c>text</c>, or the file is not
    /// UTF-8.</exception>
    public static IEnumerable<string> Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
            throw new InvalidDataException($"'{path}' is a folder; give a .jsonl or .txt file.");
        if (!File.Exists(path)) throw new FileNotFoundException($"The text file '{path}' does not exist.", path);
        if (LabeledText.IsFile(path)) return LabeledText.Read(path).Select(row => row.Text);
        return Path.GetExtension(path).Equals(".jsonl", StringComparison.OrdinalIgnoreCase)
            ? ReadObjects(path, ReadText)
            : [ReadWhole(path)];
    }

    /// <summary>The objects of a <c>.jsonl</c> file, lazily.</summary>
    /// <param name="path">The file, UTF-8.</param>
    /// <param name="read">Makes the result of an object; given where it stands, for errors.</param>
    /// <returns>The results, in file order.</returns>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="InvalidDataException">A line is no JSON object, or the file is not UTF-8.</exception>
    internal static IEnumerable<T> ReadObjects<T>(string path, Func<JsonElement, string, T> read)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path)) throw new FileNotFoundException($"The text file '{path}' does not exist.", path);
        return ReadLines(path).Select(line => ParseLine($"'{path}', line {line.Number}", line.Text, read));
    }

    private static string ReadWhole(string path)
    {
        try
        {
            string text = File.ReadAllText(path, s_strictUtf8);
            return text;
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException($"'{path}' is not UTF-8 text.", e);
        }
    }

    /// <summary>The lines of a file that are not empty, with their numbers from 1, lazily.</summary>
    /// <param name="path">The file, UTF-8.</param>
    /// <exception cref="InvalidDataException">The file is not UTF-8.</exception>
    internal static IEnumerable<(int Number, string Text)> ReadLines(string path)
    {
        using var reader = new StreamReader(path, s_strictUtf8);
        for (int number = 1; ; number++)
        {
            string? line;
            try
            {
                line = reader.ReadLine();
            }
            catch (DecoderFallbackException e)
            {
                throw new InvalidDataException($"'{path}', line {number}: not UTF-8 text.", e);
            }

            if (line is null) yield break;
            if (line.Length > 0) yield return (number, line);
        }
    }

    private static T ParseLine<T>(string where, string line, Func<JsonElement, string, T> read)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? read(document.RootElement, where)
                : throw new InvalidDataException($"{where}: expected a JSON object.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{where}: not valid JSON ({e.Message}).", e);
        }
    }

    private static string ReadText(JsonElement line, string where) =>
        line.TryGetProperty("text", out JsonElement text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()!
            : throw new InvalidDataException($"{where}: expected a JSON object with a string \"text\".");
}
