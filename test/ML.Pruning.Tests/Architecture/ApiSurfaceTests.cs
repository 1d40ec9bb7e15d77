using System.Reflection;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace ML.Pruning.Tests.Architecture;

/// <summary>A stand-in shows nothing that the real package does not have, parameter names and defaults
/// included.</summary>
[TestClass]
public sealed class ApiSurfaceTests
{
    [TestMethod]
    [DataRow("Microsoft.ML.DataView", "Microsoft.ML.txt")]
    [DataRow("Microsoft.ML.Core", "Microsoft.ML.txt")]
    [DataRow("Microsoft.ML.Data", "Microsoft.ML.txt")]
    [DataRow("Microsoft.ML.Transforms", "Microsoft.ML.txt")]
    [DataRow("Microsoft.ML.OnnxTransformer", "Microsoft.ML.txt")]
    [DataRow("Microsoft.ML.Tokenizers", "Microsoft.ML.Tokenizers.txt")]
    [DataRow("TorchSharp", "TorchSharp.txt")]
    public void PublicSurface_OfStandIn_IsPartOfTheRealPackages(string assemblyName, string listing)
    {
        Dictionary<string, ApiType> real = ApiListing.Read(RepositoryFiles.Shared("api", listing), assemblyName);
        Assembly assembly = Assembly.Load(assemblyName);
        if (!assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Any(metadata => metadata.Key == "StandIn"))
        {
            Assert.Inconclusive($"{assemblyName} is the real one here, not a stand-in.");
        }

        List<string> surplus = [];
        foreach (Type type in assembly.GetTypes().Where(SignatureText.IsVisible))
        {
            ApiType ours = SignatureText.Describe(type);
            surplus.AddRange(real.TryGetValue(ours.Name, out ApiType? theirs)
                ? Surplus(ours, theirs)
                : [$"{ours.Kind} {ours.Name}: the real {assemblyName} has no such type"]);
        }

        Assert.IsEmpty(surplus, $"{assemblyName}:{Environment.NewLine}{string.Join(Environment.NewLine, surplus)}");
    }

    [TestMethod]
    public void Describe_TypeThatDiffersFromItsListing_IsFound()
    {
        ApiType ours = SignatureText.Describe(typeof(SortedDictionary<,>.KeyCollection));
        var theirs = new ApiType(ours.Name, "class", [], "", [.. ours.Members.Skip(1)]);

        string[] found = [.. Surplus(ours, theirs)];

        Assert.AreEqual("SortedDictionary<TKey, TValue>.KeyCollection", ours.Name);
        Assert.Contains("public KeyCollection(SortedDictionary<TKey, TValue> dictionary)", ours.Members);
        Assert.HasCount(2 + ours.Bases.Count, found, "kind, each base and the first member differ");
    }

    private static IEnumerable<string> Surplus(ApiType ours, ApiType theirs)
    {
        if (ours.Kind != theirs.Kind)
        {
            yield return $"{ours.Name}: is '{ours.Kind}', should be '{theirs.Kind}'";
        }

        if (ours.Constraints != theirs.Constraints)
        {
            yield return $"{ours.Name}: has '{ours.Constraints}', should have '{theirs.Constraints}'";
        }

        // One of the two layouts leaves the underlying type of enums out.
        bool basesAreListed = ours.Kind != "enum" || theirs.Bases.Count > 0;
        foreach (string surplus in ours.Bases.Except(basesAreListed ? theirs.Bases : ours.Bases))
        {
            yield return $"{ours.Name}: base '{surplus}' is too much";
        }

        foreach (string member in ours.Members.Except(theirs.Members))
        {
            yield return $"{ours.Name}: {member}";
        }
    }
}
