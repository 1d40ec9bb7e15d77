using ML.Pruning.Sparsity;

namespace ML.Pruning.Benchmarks;

/// <summary>Choosing the half of a matrix that goes, against a plain sort of the same scores.</summary>
internal sealed class MaskSelectionBenchmark : Benchmark
{
    private const int Rows = 2048;
    private const int Columns = 5632;
    private const double Sparsity = 0.5;

    public override string Group => "pruning";

    public override string Name => "mask-selection";

    public override string Description =>
        $"masks of a {Rows} x {Columns} matrix (a TinyLlama MLP weight) at sparsity {Sparsity}, against Array.Sort";

    public override IEnumerable<object> Run(BenchmarkSettings settings)
    {
        var random = new Random(1);
        float[] values = [.. Enumerable.Range(0, Rows * Columns).Select(_ => random.NextSingle())];
        var scores = new ArrayScores("weight", Rows, Columns, values);
        float[] sorted = new float[values.Length];

        Measurement sort = Measurement.Time("sort", () =>
        {
            values.CopyTo(sorted, 0);
            Array.Sort(sorted);
        });
        yield return sort;
        foreach (ComparisonGroup group in new[] { ComparisonGroup.Row, ComparisonGroup.Tile, ComparisonGroup.Tensor })
        {
            Measurement select = Measurement.Time(
                $"select by {group}", () => MaskSelector.Select(scores, SparsityPattern.Unstructured, group, Sparsity));
            yield return select;
            yield return Measurement.Speedup(sort, select);
        }
    }
}
