namespace ML.Pruning.Benchmarks;

/// <summary>One benchmark: a subject and the baseline it is measured against, on the same data in the same process.</summary>
internal abstract class Benchmark
{
    /// <summary>The name on the command line and of the result file.</summary>
    public abstract string Name { get; }

    /// <summary>What is measured, on which size, against what.</summary>
    public abstract string Description { get; }

    /// <summary>The reason why it cannot run here, or null.</summary>
    public virtual string? WhyNot(string sharedFolder) => null;

    /// <summary>Runs it.</summary>
    /// <param name="sharedFolder">The folder of models and data beside the repository.</param>
    public abstract IEnumerable<Measurement> Run(string sharedFolder);
}
