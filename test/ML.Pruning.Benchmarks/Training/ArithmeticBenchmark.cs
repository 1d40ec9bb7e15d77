using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Samples.Arithmetic;
using ML.Pruning.Samples.EmbeddedModel;

namespace ML.Pruning.Benchmarks.Training;

/// <summary>Exact match on two-step arithmetic: trained dense, then pruned and trained sparse.</summary>
internal sealed class ArithmeticBenchmark : Benchmark
{
    public override string Group => "training";

    public override string Name => "arithmetic";

    public override string Description => "the embedded model taught two-step word problems, then pruned by SparseGPT "
        + "to 50, 70 and 80 % and trained with SquareHead; held-out problems solved";

    public override IEnumerable<object> Run(BenchmarkSettings settings)
    {
        using LanguageModel model = HuggingFaceModel.Open(EmbeddedModelFiles.Folder);
        var full = new ArithmeticTask(model);
        var task = new ArithmeticTask(model)
        {
            DenseSteps = Math.Max(1, (int)(full.DenseSteps * settings.Scale)),
            SparseSteps = Math.Max(1, (int)(full.SparseSteps * settings.Scale)),
        };
        foreach (ArithmeticScore score in task.Run()) yield return score;
    }
}
