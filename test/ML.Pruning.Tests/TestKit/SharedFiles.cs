using System.Text.Json;

namespace ML.Pruning.Tests.TestKit;

/// <summary>The models and texts beside the repository; tests that need one are inconclusive without it.</summary>
internal static class SharedFiles
{
    public static string Model(string name) => RepositoryFiles.Shared("models", name);

    public static string Data(string name) => RepositoryFiles.Shared("data", name);

    /// <summary>The documents of a .jsonl (its "text" fields) or .txt (the whole file).</summary>
    public static IEnumerable<string> Documents(string name)
    {
        string file = Data(name);
        if (!file.EndsWith(".jsonl", StringComparison.Ordinal))
            return [File.ReadAllText(file)];
        return File.ReadLines(file)
            .Where(line => line.Length > 0)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("text").GetString()!);
    }
}
