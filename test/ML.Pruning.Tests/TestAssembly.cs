using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests;

/// <summary>What all tests share.</summary>
[TestClass]
public static class TestAssembly
{
    private const string Cache = "MLPRUNING_CACHE";
    private static string s_cache = "";

    /// <summary>Nothing that a test measures stays on the machine.</summary>
    [AssemblyInitialize]
    public static void Start(TestContext _)
    {
        s_cache = Directory.CreateTempSubdirectory("ml-pruning-tests-cache-").FullName;
        Environment.SetEnvironmentVariable(Cache, s_cache);
    }

    [AssemblyCleanup]
    public static void End() => Directory.Delete(s_cache, recursive: true);
}
