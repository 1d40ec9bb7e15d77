using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace ML.Pruning.Tests.Architecture;

/// <summary>The compiled library keeps to its layers: a namespace uses only those above it in the table.</summary>
[TestClass]
public sealed class LayeringTests
{
    private const string Library = "ML.Pruning";
    private const string Catalogs = "Microsoft.ML";

    // A row may use itself and the rows before it. Types at the root, ML.Pruning itself, serve every layer and
    // use none.
    private static readonly string[] s_layers =
    [
        Library, "Checkpoints", "Tokenization", "Sparsity", "Kernels", "Models", "Calibration", "Importance", "Pruning",
        "Recovery", "Export", "Inference", "Chat", "Evaluation", "Transforms", Catalogs,
    ];

    private static readonly string[] s_torchLayers =
        ["Models", "Calibration", "Importance", "Pruning", "Recovery", "Evaluation"];

    private static readonly Lazy<IReadOnlyCollection<TypeUse>> s_uses = new(
        () => TypeUseReader.Read(Path.Combine(AppContext.BaseDirectory, $"{Library}.dll")));

    [TestMethod]
    public void Namespaces_OfTheLibrary_AreInTheTable()
    {
        Expect("is in a namespace that is no layer", use =>
            IsOurs(use.UserNamespace) && LayerOf(use.UserNamespace) < 0);
    }

    [TestMethod]
    public void Namespaces_OfTheLibrary_UseOnlyEarlierOnes()
    {
        Expect(
            "must not look at a later layer",
            use => use.UsedAssembly is null && IsOurs(use.UserNamespace) && IsOurs(use.UsedNamespace)
                && LayerOf(use.UsedNamespace) > LayerOf(use.UserNamespace));
    }

    [TestMethod]
    public void TorchSharp_IsNamed_OnlyByItsLayers()
    {
        Expect($"only {string.Join(", ", s_torchLayers)} may", use => use.UsedAssembly == "TorchSharp"
            && !s_torchLayers.Contains(LayerName(use.UserNamespace)));
    }

    [TestMethod]
    public void OnnxRuntime_IsNamed_OnlyByInference()
    {
        Expect("only Inference may", use => use.UsedAssembly == "Microsoft.ML.OnnxRuntime"
            && LayerName(use.UserNamespace) != "Inference");
    }

    [TestMethod]
    public void MLNet_IsNamed_OnlyByTransformsAndCatalogs()
    {
        string[] free = ["Microsoft.ML.Tokenizers", "Microsoft.ML.OnnxRuntime"];
        string[] allowed = ["Transforms", Catalogs];
        Expect("only Transforms and the catalog classes may", use =>
            use.UsedAssembly is { } assembly
            && assembly.StartsWith("Microsoft.ML", StringComparison.Ordinal)
            && !free.Contains(assembly)
            && !allowed.Contains(LayerName(use.UserNamespace)));
    }

    [TestMethod]
    public void Console_IsNamed_Nowhere()
    {
        Expect("the library does not write to the console", use => use.Used == "System.Console");
    }

    [TestMethod]
    public void Read_OfThisTestAssembly_SeesBasesMembersAndBodies()
    {
        IReadOnlyCollection<TypeUse> uses = TypeUseReader.Read(typeof(LayeringTests).Assembly.Location);
        string[] used = [.. uses.Where(use => use.User == typeof(TypeUseSample).FullName).Select(use => use.Used)];

        CollectionAssert.IsSubsetOf(
            new[]
            {
                typeof(MarshalByRefObject).FullName, // base
                typeof(Uri).FullName, // generic argument of a field
                typeof(Version).FullName, // local, by a generic method's argument
                typeof(Console).FullName, // body alone
                typeof(TypeUse).FullName, // same assembly, typeof
                typeof(System.ComponentModel.ReadOnlyAttribute).FullName, // attribute
            },
            used);
        Assert.DoesNotContain(typeof(TimeZoneInfo).FullName, used);
    }

    private static void Expect(string rule, Func<TypeUse, bool> isForbidden)
    {
        Assert.IsNotEmpty(s_uses.Value);
        string[] found = [.. s_uses.Value.Where(isForbidden).Select(use => $"{use}: {rule}").Distinct().Order()];
        Assert.IsEmpty(found, string.Join(Environment.NewLine, found));
    }

    private static bool IsOurs(string space) => space is Library or Catalogs
        || space.StartsWith(Library + ".", StringComparison.Ordinal);

    private static int LayerOf(string space) => Array.IndexOf(s_layers, LayerName(space));

    private static string LayerName(string space) =>
        space.StartsWith(Library + ".", StringComparison.Ordinal) ? space.Split('.')[2] : space;
}
