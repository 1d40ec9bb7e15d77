using ML.Pruning.Models;

namespace ML.Pruning.Benchmarks.Pruning;

/// <summary>Pruning a model of 1.1 billion parameters: memory, and how near the time comes to that of the matrix
/// products it cannot do without.</summary>
internal sealed class LargeModelBenchmark : Benchmark
{
    private const int FullLayers = 22;
    private const int Windows = 16;
    private const int WindowLength = 512;

    public override string Group => "pruning";

    public override string Name => "large-model";

    public override string Description => $"a LLaMA of 1.1B random bfloat16 weights ({FullLayers} layers, hidden size "
        + $"2048, MLP 5632), {Windows} windows of {WindowLength} tokens, each method in a fresh process, against the "
        + "time of its matrix products at the rate measured at once after";

    public override IEnumerable<object> Run(BenchmarkSettings settings)
    {
        ModelSpec spec = RandomCheckpoint.Llama(settings.Scaled(FullLayers));
        using var folder = new TemporaryFolder();
        RandomCheckpoint.Write(spec, folder.Path);
        foreach (string method in (string[])["wanda", "sparsegpt"])
            yield return PruningProcess.Start(folder.Path, method, Windows, WindowLength);
    }
}
