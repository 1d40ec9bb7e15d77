namespace ML.Pruning.Benchmarks;

/// <summary>One benchmark: a subject and the baseline it is measured against, on the same data in the same
/// process.</summary>
internal abstract class Benchmark
{
    /// <summary>The group it runs with: kernels, models, training or pruning; by default one of its own.</summary>
    public virtual string Group => Name;

    /// <summary>Its own name on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>What is measured, on which size, against what.</summary>
    public abstract string Description { get; }

    /// <summary>The reason why it cannot run here, or null.</summary>
    public virtual string? WhyNot(BenchmarkSettings settings) => null;

    /// <summary>Runs it.</summary>
    /// <param name="settings">Where models are, and how much to do.</param>
    /// <returns>One object a line of the result file, shown by its ToString.</returns>
    public abstract IEnumerable<object> Run(BenchmarkSettings settings);
}
