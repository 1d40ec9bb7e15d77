using System.Text.RegularExpressions;

namespace ML.Pruning.Tests.Documentation;

/// <summary>A block of code in a page.</summary>
/// <param name="Page">The page, relative to the repository.</param>
/// <param name="Line">Its first line, from 1.</param>
/// <param name="Language">What stands behind the fence.</param>
/// <param name="Code">The code.</param>
internal sealed record CodeBlock(string Page, int Line, string Language, string Code);

/// <summary>The pages of the documentation.</summary>
internal static partial class MarkdownFiles
{
    /// <summary>README, CONTRIBUTING and everything under docs, relative to the repository.</summary>
    public static IReadOnlyList<string> Pages { get; } =
    [
        "README.md", "CONTRIBUTING.md",
        .. Directory.EnumerateFiles(Path.Combine(RepositoryFiles.Root, "docs"), "*.md", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(RepositoryFiles.Root, path).Replace('\\', '/'))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The text of a page.</summary>
    public static string Read(string page) =>
        File.ReadAllText(Path.Combine(RepositoryFiles.Root, page)).ReplaceLineEndings("\n");

    /// <summary>All blocks in one of the languages.</summary>
    public static IEnumerable<CodeBlock> Blocks(params string[] languages) => Pages.SelectMany(page =>
    {
        string text = Read(page);
        return Fence().Matches(text).Where(m => languages.Contains(m.Groups["language"].Value))
            .Select(m => new CodeBlock(
            page, text.AsSpan(0, m.Groups["code"].Index).Count('\n') + 1, m.Groups["language"].Value,
            m.Groups["code"].Value));
    });

    [GeneratedRegex(@"^```(?<language>\w+)\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();
}
