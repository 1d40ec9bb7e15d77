using System.Text.Json;
using ML.Pruning.Calibration;

namespace ML.Pruning.Recovery;

/// <summary>A prompt and the answer that a model is to learn.</summary>
/// <param name="Prompt">What the model is given, written as it will be given.</param>
/// <param name="Response">What it is to answer, written right behind the prompt.</param>
public sealed record InstructionPair(string Prompt, string Response)
{
    private static readonly string[] s_promptNames = ["prompt", "instruction"];
    private static readonly string[] s_responseNames = ["response", "output"];

    /// <summary>Reads a .jsonl file, lazily: of each line the strings <c>prompt</c> or <c>instruction</c> (with
    /// <c>input</c>, if it is there and not empty, after an empty line; and an empty line at the end), and
    /// <c>response</c> or <c>output</c>.</summary>
    /// <param name="path">The file, UTF-8.</param>
    /// <returns>The pairs, in file order.</returns>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="InvalidDataException">A line is no such object, or the file is not UTF-8.</exception>
    public static IEnumerable<InstructionPair> Read(string path) => TextCorpus.ReadObjects(path, ParseObject);

    /// <summary>Whether a file is one of pairs, by its name and its first line.</summary>
    /// <param name="path">The file.</param>
    /// <returns>True for a .jsonl file whose first object has a prompt and no <c>text</c>.</returns>
    internal static bool IsFileOfPairs(string path)
    {
        if (!Path.GetExtension(path).Equals(".jsonl", StringComparison.OrdinalIgnoreCase)) return false;
        return TextCorpus.ReadObjects(path, (line, _) =>
                !line.TryGetProperty("text", out JsonElement _) && Find(line, s_promptNames) is not null)
            .FirstOrDefault();
    }

    private static InstructionPair ParseObject(JsonElement line, string where)
    {
        string? response = Find(line, s_responseNames);
        if (Find(line, s_promptNames) is not { } prompt || response is null)
        {
            throw new InvalidDataException($"{where}: expected a JSON object with strings \"prompt\" (or "
                + "\"instruction\" and, optionally, \"input\") and \"response\" (or \"output\").");
        }

        if (line.TryGetProperty("prompt", out _)) return new InstructionPair(prompt, response);
        string input = Find(line, ["input"]) is { Length: > 0 } text ? text + "\n\n" : "";
        return new InstructionPair($"{prompt}\n\n{input}", response);
    }

    private static string? Find(JsonElement line, IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            if (line.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String)
                return value.GetString();
        }

        return null;
    }
}
