using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using ML.Pruning.Tests.Packaging;
using ML.Pruning.Tool;

namespace ML.Pruning.Tests.Documentation;

/// <summary>What the documentation shows works.</summary>
[TestClass]
public sealed partial class DocumentationTests
{
    private const string GlobalUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    [TestMethod]
    public void CodeBlocks_OfCSharp_Compile()
    {
        CodeBlock[] blocks = [.. MarkdownFiles.Blocks("csharp", "cs")];
        Assert.IsGreaterThanOrEqualTo(8, blocks.Length);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("ml-pruning-docs-");
        try
        {
            var arguments = new StringBuilder("-nologo -target:library -nullable:enable -langversion:latest "
                + "-out:docs.dll\n");
            foreach (string assembly in ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
                .Split(Path.PathSeparator)
                .Where(path => !path.EndsWith("ML.Pruning.Tests.dll", StringComparison.Ordinal)))
            {
                arguments.Append($"-reference:\"{assembly}\"\n");
            }

            File.WriteAllText(Path.Combine(folder.FullName, "Usings.cs"), GlobalUsings);
            arguments.Append("Usings.cs\n");
            for (int i = 0; i < blocks.Length; i++)
            {
                string file = $"{Path.GetFileNameWithoutExtension(blocks[i].Page)}.{blocks[i].Line}.cs";
                File.WriteAllText(Path.Combine(folder.FullName, file), Wrapped(blocks[i].Code, i));
                arguments.Append(file).Append('\n');
            }

            File.WriteAllText(Path.Combine(folder.FullName, "Methods.cs"), Wrapped(Presets(), blocks.Length));
            arguments.Append("Methods.cs\n");
            File.WriteAllText(Path.Combine(folder.FullName, "compile.rsp"), arguments.ToString());
            DotnetCommand compiled = DotnetCommand.Run(folder.FullName, "exec", Compiler(), "@compile.rsp");
            Assert.AreEqual(0, compiled.ExitCode, compiled.Output);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [TestMethod]
    public void CommandLines_OfTheTool_Parse()
    {
        RootCommand root = CommandLine.CreateRoot();
        int count = 0;
        foreach (CodeBlock block in MarkdownFiles.Blocks("sh", "bash"))
        {
            string joined = Regex.Replace(block.Code, @"\\\n\s*", " ");
            foreach (string line in joined.Split('\n').Where(l => l.StartsWith("mlprune ", StringComparison.Ordinal)))
            {
                count++;
                string command = line.Split(" #")[0]["mlprune ".Length..];
                ParseResult parsed = root.Parse(command);
                Assert.IsEmpty(parsed.Errors,
                    $"{block.Page}, line {block.Line}: {line}: "
                        + string.Join(' ', parsed.Errors.Select(e => e.Message)));
            }
        }

        Assert.IsGreaterThan(10, count);
    }

    [TestMethod]
    public void Links_ToFilesOfTheRepository_LeadSomewhere()
    {
        foreach (string page in MarkdownFiles.Pages.Where(p => p != "CONTRIBUTING.md"))
        {
            foreach (Match match in RepositoryPath().Matches(MarkdownFiles.Read(page)))
            {
                Assert.IsTrue(Path.Exists(Path.Combine(RepositoryFiles.Root, match.Value)),
                    $"{page} names {match.Value}, which is not there.");
            }
        }
    }

    [TestMethod]
    public void Methods_OfTheTool_AreDescribed()
    {
        string pages = string.Concat(MarkdownFiles.Pages.Select(MarkdownFiles.Read));
        foreach (string method in ML.Pruning.Tool.Commands.MethodOptions.Names)
            StringAssert.Contains(pages, $"--method {method}");
    }

    // What the pages of methods say between backquotes.
    private static string Presets()
    {
        string[] found = [.. MarkdownFiles.Pages.Where(p => p.StartsWith("docs/methods/", StringComparison.Ordinal))
            .SelectMany(p => Preset().Matches(MarkdownFiles.Read(p))).Select(m => m.Groups[1].Value)];
        Assert.IsGreaterThan(15, found.Length);
        return "using ML.Pruning.Importance;\nusing ML.Pruning.Checkpoints;\nusing ML.Pruning.Sparsity;\n"
            + string.Concat(found.Select((code, i) => $"var preset{i} = {code};\nConsole.WriteLine(preset{i});\n"));
    }

    // Its usings and types stay on the level of a namespace of its own; the rest becomes a method.
    private static string Wrapped(string code, int index)
    {
        string[] lines = code.Split('\n');
        string[] usings = [.. lines.Where(line => UsingDirective().IsMatch(line))];
        int types = Array.FindIndex(lines, TypeDeclaration().IsMatch);
        if (types < 0) types = lines.Length;
        while (types > 0 && types < lines.Length && Regex.IsMatch(lines[types - 1], @"^(///|\[)")) types--;
        string[] statements = [.. lines[..types].Where(line => !UsingDirective().IsMatch(line))];
        string preamble = string.Join('\n', statements).Contains("ml.", StringComparison.Ordinal)
            && !code.Contains("var ml =", StringComparison.Ordinal) ? "var ml = new Microsoft.ML.MLContext();" : "";
        return $$"""
            namespace Documentation{{index}}
            {
                using Microsoft.ML;
                using ML.Pruning.Calibration;
                using ML.Pruning.Evaluation;
                using ML.Pruning.Models;
                using ML.Pruning.Pruning;
                using ML.Pruning.Recovery;
                using ML.Pruning.Recovery.DynamicSparsity;
                using ML.Pruning.Sparsity;
                using ML.Pruning.Transforms;
                {{string.Join('\n', usings.Where(u => !Repeated().IsMatch(u)))}}
                internal static class Block
                {
                    public static async Task RunAsync(string[] args)
                    {
                        {{preamble}}
            {{string.Join('\n', statements)}}
                        await Task.CompletedTask;
                    }
                }

            {{string.Join('\n', lines[types..])}}
            }
            """;
    }

    // The C# compiler of the SDK that stands beside the runtime.
    private static string Compiler()
    {
        string root = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        string? found = Directory.Exists(Path.Combine(root, "sdk"))
            ? Directory.EnumerateDirectories(Path.Combine(root, "sdk"))
                .Select(sdk => Path.Combine(sdk, "Roslyn", "bincore", "csc.dll")).Where(File.Exists).Max()
            : null;
        return found ?? throw new AssertInconclusiveException($"There is no .NET SDK under '{root}' to compile with.");
    }

    [GeneratedRegex(@"^using [\w.]+( = [\w.<>]+)?;$")]
    private static partial Regex UsingDirective();

    [GeneratedRegex(@"^using (Microsoft\.ML|ML\.Pruning\.(Calibration|Evaluation|Models|Pruning|Recovery|Recovery\.DynamicSparsity|Sparsity|Transforms));$")]
    private static partial Regex Repeated();

    [GeneratedRegex(@"`(new [^`]+)`")]
    private static partial Regex Preset();

    [GeneratedRegex(@"^(public |internal |sealed |static |partial |abstract )*(class|record|enum|interface|struct) \w")]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"(?<![\w/.])(?:docs|build|src|test)/[\w./-]*\w(?=[\s`),;:\]]|\.(\s|$))")]
    private static partial Regex RepositoryPath();
}
