using System.Text.Json;

namespace ML.Pruning.Tests.TestKit;

/// <summary>The models and texts beside the repository; tests that need one are inconclusive without it.</summary>
internal static class SharedFiles
{
    public static string Model(string name) => Find("models", name);

    public static string Data(string name) => Find("data", name);

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

    private static string Find(string kind, string name)
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            string path = Path.Combine(folder, "shared", kind, name);
            if (Path.Exists(path))
                return path;
        }
        Assert.Inconclusive($"shared/{kind}/{name} is not beside the repository.");
        return "";
    }
}
