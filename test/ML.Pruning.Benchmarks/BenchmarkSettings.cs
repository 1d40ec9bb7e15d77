namespace ML.Pruning.Benchmarks;

/// <summary>What the command line says to all benchmarks.</summary>
/// <param name="SharedFolder">The folder of models and data beside the repository.</param>
/// <param name="OutputFolder">The folder of the results.</param>
/// <param name="Scale">Size of the largest benchmarks relative to the full one, above 0 and at most 1.</param>
internal sealed record BenchmarkSettings(string SharedFolder, string OutputFolder, double Scale)
{
    /// <summary>A model beside the repository.</summary>
    public string Model(string name) => Path.Combine(SharedFolder, "models", name);

    /// <summary>A number of layers or steps at the scale.</summary>
    /// <param name="full">That of the full benchmark.</param>
    /// <param name="least">The fewest that make sense.</param>
    public int Scaled(int full, int least = 1) => Math.Max(least, (int)Math.Round(full * Scale));

    /// <summary>A data file beside the repository.</summary>
    public string Data(string name) => Path.Combine(SharedFolder, "data", name);
}
