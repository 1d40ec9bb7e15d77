using System.Text.RegularExpressions;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace ML.Pruning.Tests.Architecture;

/// <summary>Rules for the text of the repository that no compiler checks.</summary>
[TestClass]
public sealed partial class RepositoryTests
{
    private const int MaximumLines = 500;

    private static readonly string[] s_folders = ["src", "test", "build", "docs", ".ci"];
    private static readonly string[] s_outputFolders = ["bin", "obj", "artifacts", "node_modules"];
    private static readonly string[] s_sourceExtensions = [".cs", ".cpp", ".h", ".sh"];
    private static readonly string[] s_textExtensions =
        [.. s_sourceExtensions, ".md", ".csproj", ".props", ".targets", ".json", ".txt", ".cmake"];

    [TestMethod]
    public void SourceFiles_AllOfThem_HaveAtMostFiveHundredLines()
    {
        ExpectNone(s_sourceExtensions, (file, text) =>
        {
            int lines = text.AsSpan().Count('\n');
            return lines > MaximumLines ? [$"{lines} lines; split the file by concept"] : [];
        });
    }

    [TestMethod]
    public void TextFiles_AllOfThem_NameNoMachineAndNoRegistry()
    {
        ExpectNone(s_textExtensions, (_, text) => ForbiddenText().Matches(text).Select(match => $"'{match.Value}'"));
    }

    [TestMethod]
    public void SourceFiles_AllOfThem_AreFinished()
    {
        // The real libraries throw that exception in places, and a stand-in behaves as they do.
        ExpectNone(s_sourceExtensions, (file, text) => Unfinished().Matches(text)
            .Where(match => match.Groups["mark"].Success
                || !file.StartsWith("build/standins/", StringComparison.Ordinal))
            .Select(match => $"'{match.Value}'"));
    }

    [TestMethod]
    public void SourceFiles_OfOurProjects_HaveTheirFoldersNamespace()
    {
        ExpectNone([".cs"], (file, text) =>
        {
            string[] parts = file.Split('/');
            if (parts[0] is not ("src" or "test") || parts.Length < 3)
            {
                return [];
            }

            string expected = string.Join('.', parts[1..^1]);
            return Namespace().Matches(text).Select(match => match.Groups["name"].Value)
                .Where(name => name != expected && !IsException(file, name))
                .Select(name => $"namespace {name}, should be {expected}");
        });
    }

    [TestMethod]
    public void TestClasses_AllOfThem_StandInAFolder()
    {
        // build/test.sh runs the tests folder by folder.
        Type[] outside = [.. typeof(RepositoryTests).Assembly.GetTypes()
            .Where(type => type.IsDefined(typeof(TestClassAttribute), inherit: false))
            .Where(type => type.GetMethods().Any(method => method.IsDefined(typeof(TestMethodAttribute), inherit: true)))
            .Where(type => type.Namespace?.StartsWith("ML.Pruning.Tests.", StringComparison.Ordinal) != true)];
        Assert.IsEmpty(outside, string.Join(", ", outside.Select(type => type.FullName)));
    }

    // The catalog's extension methods stand where ML.NET users look; the runtime knows that attribute by its full name.
    private static bool IsException(string file, string name) =>
        (name == "Microsoft.ML" && file.StartsWith("src/ML.Pruning/", StringComparison.Ordinal) && file.Count('/') == 2)
        || (name == "System.Runtime.CompilerServices"
            && file.EndsWith("/IgnoresAccessChecksToAttribute.cs", StringComparison.Ordinal));

    private static void ExpectNone(string[] extensions, Func<string, string, IEnumerable<string>> findFaults)
    {
        string[] files = [.. s_folders.SelectMany(Files).Where(file => extensions.Contains(Path.GetExtension(file)))];
        Assert.IsNotEmpty(files);
        string[] faults =
        [
            .. files.SelectMany(file => findFaults(file, File.ReadAllText(Path.Combine(RepositoryFiles.Root, file)))
                .Select(fault => $"{file}: {fault}")),
        ];
        Assert.IsEmpty(faults, string.Join(Environment.NewLine, faults));
    }

    // Paths relative to the repository, with forward slashes.
    private static IEnumerable<string> Files(string folder)
    {
        var found = new DirectoryInfo(Path.Combine(RepositoryFiles.Root, folder));
        if (!found.Exists)
        {
            return [];
        }

        return found.EnumerateFileSystemInfos().SelectMany(entry => entry switch
        {
            DirectoryInfo directory when s_outputFolders.Contains(directory.Name) => [],
            DirectoryInfo directory => Files($"{folder}/{directory.Name}"),
            _ => [$"{folder}/{entry.Name}"],
        });
    }

    [GeneratedRegex(@"(?<![\w.])/(?:work|tmp|root|home|Users)/|\b(?:nuget|npmjs|debian|pypi|pythonhosted)\.org\b")]
    private static partial Regex ForbiddenText();

    [GeneratedRegex(@"NotImplemented(?:Exception)|(?<mark>\b(?:TO[D]O|FIX[M]E|HA[C]K)\b)")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"^namespace (?<name>[\w.]+)", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}
