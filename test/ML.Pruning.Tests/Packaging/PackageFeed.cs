using System.IO.Compression;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Xml.Linq;

namespace ML.Pruning.Tests.Packaging;

/// <summary>A temporary folder of packages: ours, packed from what is built, and, where this build uses the stand-ins,
/// those under the names of the packages that they stand in for.</summary>
internal sealed class PackageFeed : IDisposable
{
    /// <summary>The version of our packages.</summary>
    public const string Version = "0.1.0";

    private static readonly (string Id, string[] Files)[] s_standIns =
    [
        ("Microsoft.ML", ["Microsoft.ML.DataView.dll", "Microsoft.ML.Core.dll", "Microsoft.ML.Data.dll",
            "Microsoft.ML.Transforms.dll"]),
        ("Microsoft.ML.OnnxRuntime", ["Microsoft.ML.OnnxRuntime.dll", "libonnxruntime.so"]),
        ("Microsoft.ML.Tokenizers", ["Microsoft.ML.Tokenizers.dll"]),
        ("TorchSharp", ["TorchSharp.dll", "libTorchSharpShim.so"]),
        ("TorchSharp-cpu", []),
    ];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlpruning-packages-");

    private PackageFeed()
    {
        Packages = _folder.CreateSubdirectory("feed").FullName;
        Pack("ML.Pruning").Expect();
        Pack("ML.Pruning.Tool", $"-p:StandInFeed={Packages}").Expect();
        if (UsesStandIns) foreach ((string id, string[] files) in s_standIns) PackStandIn(id, files);
        WriteConfiguration();
    }

    /// <summary>The feed, packed once.</summary>
    public static Lazy<PackageFeed> Instance { get; } = new(() => new PackageFeed());

    /// <summary>Whether this build uses the stand-ins.</summary>
    public static bool UsesStandIns { get; } = typeof(Microsoft.ML.MLContext).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Any(a => a.Key == "StandIn");

    /// <summary>The versions of Directory.Packages.props, or those that build/feed.props puts in their place, by
    /// package.</summary>
    public static IReadOnlyDictionary<string, string> CentralVersions { get; } = JsonNode.Parse(DotnetCommand.Run(
        RepositoryFiles.Root, "msbuild", "src/ML.Pruning", "-getItem:PackageVersion").Expect().Output)!
        ["Items"]!["PackageVersion"]!.AsArray().ToDictionary(v => (string)v!["Identity"]!, v => (string)v!["Version"]!);

    /// <summary>The folder of packages.</summary>
    public string Packages { get; }

    /// <summary>Packs one of our projects, in the configuration of the tests, without building it again.</summary>
    public static DotnetCommand PackInto(string folder, string project, params string[] properties) =>
        DotnetCommand.Run(
        RepositoryFiles.Root, ["pack", $"src/{project}", "--no-build", "--verbosity", "quiet", "--configuration",
            Configuration, $"-p:PackageOutputPath={folder}", .. properties]);

    /// <summary>A new folder, outside the repository, whose restores see these packages and what the machine
    /// has.</summary>
    public string NewFolder(string name) => _folder.CreateSubdirectory(name).FullName;

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);

    private static string Configuration =>
        new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar)).Parent!.Name;

    private DotnetCommand Pack(string project, params string[] properties) => PackInto(Packages, project, properties);

    private void PackStandIn(string id, string[] files)
    {
        using ZipArchive package = ZipFile.Open(
            Path.Combine(Packages, $"{id}.{CentralVersions[id]}.nupkg"), ZipArchiveMode.Create);
        using (var nuspec = new StreamWriter(package.CreateEntry($"{id}.nuspec").Open()))
        {
            nuspec.Write($"""
                <package><metadata><id>{id}</id><version>{CentralVersions[id]}</version><authors>test</authors>
                <description>A stand-in, for one test on one machine.</description></metadata></package>
                """);
        }

        foreach (string file in files)
        {
            string target = file.EndsWith(".so", StringComparison.Ordinal) ? "runtimes/linux-x64/native"
                : "lib/net10.0";
            package.CreateEntryFromFile(
                Path.Combine(AppContext.BaseDirectory, file), $"{target}/{file}", CompressionLevel.NoCompression);
        }
    }

    // A package cache of its own keeps the stand-ins out of the machine's; what the machine has already is taken from
    // there.
    private void WriteConfiguration()
    {
        string cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        new XDocument(new XElement("configuration",
            new XElement("config", Add("globalPackagesFolder", _folder.CreateSubdirectory("cache").FullName)),
            new XElement("packageSources", UsesStandIns ? new XElement("clear") : null, Add("local", Packages)),
            new XElement("fallbackPackageFolders", Add("machine", cache)))).Save(
                Path.Combine(_folder.FullName, "nuget.config"));
    }

    private static XElement Add(string key, string value) =>
        new("add", new XAttribute("key", key), new XAttribute("value", value));
}
