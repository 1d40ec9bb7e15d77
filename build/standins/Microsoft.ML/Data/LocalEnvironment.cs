namespace Microsoft.ML.Runtime;

/// <summary>The environment behind an MLContext; the one that its catalogs hand to components.</summary>
internal sealed class LocalEnvironment : HostEnvironmentBase<LocalEnvironment>
{
    public LocalEnvironment(int? seed = null) : base(RandomUtils.Create(seed), verbose: false)
    {
        Seed = seed;
    }
}
