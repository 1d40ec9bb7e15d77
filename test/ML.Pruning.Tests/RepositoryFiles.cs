using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace ML.Pruning.Tests;

/// <summary>Finds the repository that the tests were built from, and the folder of models and data beside it.</summary>
internal static class RepositoryFiles
{
    private static readonly Lazy<string?> s_root = new(() => Ancestors().FirstOrDefault(
        folder => File.Exists(Path.Combine(folder, "ML.Pruning.sln"))));

    private static readonly Lazy<string?> s_shared = new(() => Ancestors()
        .Select(folder => Path.Combine(folder, "shared"))
        .FirstOrDefault(folder => Directory.Exists(Path.Combine(folder, "models"))));

    /// <summary>The folder of ML.Pruning.sln; without it (a published test binary) the test is inconclusive.</summary>
    public static string Root => s_root.Value ?? throw Missing("No ML.Pruning.sln stands above the test binaries.");

    /// <summary>A file or folder of the shared folder beside the repository; without it the test is
    /// inconclusive.</summary>
    public static string Shared(params string[] path)
    {
        string? found = s_shared.Value is { } shared ? Path.Combine([shared, .. path]) : null;
        return Path.Exists(found)
            ? found
            : throw Missing($"shared/{string.Join('/', path)} is not beside the repository.");
    }

    private static IEnumerable<string> Ancestors()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            yield return folder.FullName;
        }
    }

    private static AssertInconclusiveException Missing(string reason) => new(reason);
}
