using System.IO.Compression;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using ML.Pruning.Kernels;
using ML.Pruning.Samples.EmbeddedModel;

namespace ML.Pruning.Tests.Packaging;

/// <summary>The packages, as other people get them.</summary>
[TestClass]
[DoNotParallelize]
public sealed class PackageTests
{
    [ClassCleanup]
    public static void RemoveFeed()
    {
        if (PackageFeed.Instance.IsValueCreated) PackageFeed.Instance.Value.Dispose();
    }

    [TestMethod]
    public void Pack_Library_NamesTheRealPackagesAndHoldsOnlyItself()
    {
        using ZipArchive package = Open("ML.Pruning", "nupkg");
        XElement metadata = ReadNuspec(package);
        Dictionary<string, string> named = metadata.Descendants().Where(e => e.Name.LocalName == "dependency")
            .ToDictionary(e => (string)e.Attribute("id")!, e => (string)e.Attribute("version")!);
        string[] referenced = [.. XDocument
            .Load(Path.Combine(RepositoryFiles.Root, "src", "ML.Pruning", "ML.Pruning.csproj"))
            .Descendants("PackageReference").Select(e => (string)e.Attribute("Include")!)];
        CollectionAssert.IsSubsetOf(new[] { "Microsoft.ML", "TorchSharp", "Microsoft.ML.OnnxRuntime" }, referenced);
        foreach (string id in referenced)
            Assert.AreEqual(PackageFeed.CentralVersions[id], named.GetValueOrDefault(id), id);
        foreach (string id in named.Keys)
            Assert.IsTrue(PackageFeed.CentralVersions.ContainsKey(id), $"{id} is not central.");

        Assert.AreEqual("MIT", Value(metadata, "license"));
        Assert.AreEqual("README.md", Value(metadata, "readme"));
        string[] files = [.. package.Entries.Select(e => e.FullName)];
        string[] expected = ["lib/net10.0/ML.Pruning.dll", "lib/net10.0/ML.Pruning.xml", "README.md",
            .. KernelLibrary.IsNative && OperatingSystem.IsLinux()
                ? ["runtimes/linux-x64/native/libmlpruning.so"]
                : Array.Empty<string>()];
        CollectionAssert.IsSubsetOf(expected, files, string.Join('\n', files));
        Assert.HasCount(1, files.Where(f => f.EndsWith(".dll", StringComparison.Ordinal)).ToArray());
        using ZipArchive symbols = Open("ML.Pruning", "snupkg");
        Assert.IsNotNull(symbols.GetEntry("lib/net10.0/ML.Pruning.pdb"));
    }

    [TestMethod]
    public void Pack_ToolWithStandIns_IsRefusedOutsideTheFeed()
    {
        if (!PackageFeed.UsesStandIns) Assert.Inconclusive("This build uses the real packages.");
        string folder = PackageFeed.Instance.Value.NewFolder("refused");
        DotnetCommand pack = PackageFeed.PackInto(folder, "ML.Pruning.Tool");
        Assert.AreNotEqual(0, pack.ExitCode);
        StringAssert.Contains(pack.Output, "StandInFeed=FOLDER");
        Assert.IsEmpty(Directory.GetFiles(folder));
    }

    [TestMethod]
    public void Install_ToolFromAFolder_Runs()
    {
        PackageFeed feed = PackageFeed.Instance.Value;
        string folder = feed.NewFolder("tool");
        DotnetCommand.Run(folder, "tool", "install", "ML.Pruning.Tool", "--tool-path", folder, "--version",
            PackageFeed.Version).Expect();
        DotnetCommand inspect = DotnetCommand.Start(
            Path.Combine(folder, "mlprune"), folder, "inspect", EmbeddedModelFiles.Folder, "--json").Expect();
        Assert.AreEqual(791_680, (int)JsonNode.Parse(inspect.Output)!["parameters"]!);

        // One command that needs libtorch, and with calibration text, so the whole of the package is used.
        string text = WriteStories(folder, 40);
        DotnetCommand.Start(Path.Combine(folder, "mlprune"), folder, "prune", EmbeddedModelFiles.Folder, "--output",
            Path.Combine(folder, "pruned"), "--method", "wanda", "--calibration", text, "--calibration-samples", "4",
            "--sequence-length", "64").Expect();
        Assert.IsTrue(File.Exists(Path.Combine(folder, "pruned", "config.json")));
    }

    [TestMethod]
    public void Reference_FromAnEmptyProject_RunsTheReadmesPipeline()
    {
        PackageFeed feed = PackageFeed.Instance.Value;
        string folder = feed.NewFolder("consumer");
        File.WriteAllText(Path.Combine(folder, "Consumer.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <NuGetAudit>false</NuGetAudit>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="ML.Pruning" Version="{PackageFeed.Version}" />
                <PackageReference Include="TorchSharp-cpu" Version="{PackageFeed.CentralVersions["TorchSharp-cpu"]}" />
              </ItemGroup>
            </Project>
            """);
        string readme = File.ReadAllText(Path.Combine(RepositoryFiles.Root, "README.md"));
        string program = Regex.Match(readme, "```csharp\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
        StringAssert.Contains(program, "path/to/model");
        File.WriteAllText(Path.Combine(folder, "Program.cs"), program.Replace(
            "path/to/model", EmbeddedModelFiles.Folder, StringComparison.Ordinal)
            + "\nConsole.WriteLine($\"native kernels: {ML.Pruning.Kernels.KernelLibrary.IsNative}\");");
        WriteStories(folder, 60);

        DotnetCommand.Run(folder, "build", "--verbosity", "quiet", "-p:UseSharedCompilation=false").Expect();
        DotnetCommand run = DotnetCommand.Run(
            folder, "exec", Path.Combine(folder, "bin", "Debug", "net10.0", "Consumer.dll")).Expect();
        StringAssert.Contains(run.Output, $"native kernels: {KernelLibrary.IsNative}");
        Assert.IsTrue(new FileInfo(Path.Combine(folder, "pruned.zip")) is { Exists: true, Length: > 100_000 });
    }

    [TestMethod]
    public void Script_OutsideTheRepository_RunsOnThePackages()
    {
        PackageFeed feed = PackageFeed.Instance.Value;
        string folder = feed.NewFolder("script");
        string source = File.ReadAllText(
            Path.Combine(RepositoryFiles.Root, "src", "ML.Pruning.Samples", "Scripts", "prune.cs"));
        string project = "#:project ../../ML.Pruning/ML.Pruning.csproj",
            library = $"#:package ML.Pruning@{PackageFeed.Version}";
        StringAssert.Contains(source, project);
        StringAssert.Contains(source, $"\"{library}\"");
        File.WriteAllText(Path.Combine(folder, "prune.cs"), source.Replace(project, library, StringComparison.Ordinal)
            .Replace(
                "#:package TorchSharp-cpu", $"#:package TorchSharp-cpu@{PackageFeed.CentralVersions["TorchSharp-cpu"]}",
                StringComparison.Ordinal));
        string text = WriteStories(folder, 30);
        DotnetCommand run = DotnetCommand.Run(
            folder, "run", "prune.cs", "--", EmbeddedModelFiles.Folder, text, "pruned.zip").Expect();
        StringAssert.Contains(run.Output, "pruned.zip: ");
        Assert.IsTrue(new FileInfo(Path.Combine(folder, "pruned.zip")) is { Exists: true, Length: > 100_000 });
    }

    private static string WriteStories(string folder, int count)
    {
        string path = Path.Combine(folder, "calibration.jsonl");
        File.WriteAllLines(path, StoryGrammar.Write(count, seed: 1).Select(
            story => new JsonObject { ["text"] = story }.ToJsonString()));
        return path;
    }

    private static ZipArchive Open(string id, string extension) => ZipFile.OpenRead(
        Path.Combine(PackageFeed.Instance.Value.Packages, $"{id}.{PackageFeed.Version}.{extension}"));

    private static XElement ReadNuspec(ZipArchive package)
    {
        using Stream nuspec = package.Entries.Single(e => e.Name.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(nuspec).Root!.Elements().Single();
    }

    private static string Value(XElement metadata, string name) =>
        metadata.Elements().Single(e => e.Name.LocalName == name).Value;
}
