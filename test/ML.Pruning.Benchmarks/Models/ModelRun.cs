using ML.Pruning.Evaluation;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Models;

namespace ML.Pruning.Benchmarks.Models;

/// <summary>An exported decoder in ONNX Runtime.</summary>
internal sealed class ModelRun : SpeedCandidate
{
    private readonly OnnxEngine _engine;
    private readonly ModelSpec _spec;
    private readonly int _prompt;
    private readonly int _added;

    /// <summary>Opens a folder and runs it once.</summary>
    /// <param name="name">What it is.</param>
    /// <param name="folder">The exported folder.</param>
    /// <param name="spec">The model's shape.</param>
    /// <param name="threads">Threads of a run.</param>
    /// <param name="prompt">Tokens of the prompt.</param>
    /// <param name="added">Tokens after it.</param>
    public ModelRun(string name, string folder, ModelSpec spec, int threads, int prompt, int added)
    {
        (Name, _spec, _prompt, _added) = (name, spec, prompt, added);
        WeightBytes = new FileInfo(Path.Combine(folder, OnnxModel.DataFileName)).Length;
        (_engine, ResidentBytes) = ResidentMemory.Of(
            () => new OnnxEngine(folder, threads), engine => SpeedBenchmark.Round(engine, spec, prompt, 1));
    }

    public override string Name { get; }

    public override long WeightBytes { get; }

    public override long ResidentBytes { get; }

    public override void Dispose() => _engine.Dispose();

    protected override (double Prefill, double Decode) Round() =>
        SpeedBenchmark.Round(_engine, _spec, _prompt, _added);
}
