using System.Diagnostics;
using System.Runtime.InteropServices;
using ML.Pruning.Calibration;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using static TorchSharp.torch;

namespace ML.Pruning.Benchmarks.Training;

/// <summary>Training steps against the same steps written in Python on the same libtorch, taken in turns.</summary>
internal sealed class TrainingSpeedBenchmark : Benchmark
{
    private const int Batch = 8;
    private const int Length = 256;
    private const int Batches = 8;
    private const int UnmeasuredSteps = 3;
    private const int MemorySteps = 1000;
    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(20);

    public override string Group => "training";

    public override string Name => "training-speed";

    public override string Description =>
        $"steps of {Batch} windows of {Length} tokens on stories260K: all weights, LoRA, "
        + $"LoRA on masks, in turns with the same steps in PyTorch; and memory over {MemorySteps} steps";

    public override string? WhyNot(BenchmarkSettings settings) =>
        !Directory.Exists(settings.Model("stories260K")) ? $"{settings.Model("stories260K")} is missing"
        : PyTorchProcess.Find() is null ? "there is no Python with PyTorch (Debian: python3-torch)"
        : null;

    public override IEnumerable<object> Run(BenchmarkSettings settings)
    {
        using var folder = new TemporaryFolder();
        string dense = settings.Model("stories260K"), prunedFolder = folder["pruned"];
        using LanguageModel model = HuggingFaceModel.Open(dense);
        using LanguageModel pruned = Pruner.Prune(model, new Magnitude { Sparsity = 0.5 }).Model;
        HuggingFaceModel.Save(pruned, prunedFolder);
        TokenWindows windows = TokenWindows.Cut(TextCorpus.Read(settings.Data("stories.train.jsonl")),
            model.RequireTokenizer(), model.Spec.BosTokenId, Length).Take(Batch * Batches);
        string tokens = folder["tokens"];
        WriteTokens(tokens, windows);
        using (var python = new PyTorchProcess(PyTorchProcess.Find()!, dense, prunedFolder, tokens, Batch, Length))
        {
            foreach (string kind in (string[])["full", "lora", "masked"])
                yield return Compare(kind, kind == "masked" ? pruned : model, windows, python);
        }

        yield return Memory("full", model, windows);
        yield return Memory("masked", pruned, windows);
    }

    private static TrainingSpeedResult Compare(
        string kind, LanguageModel model, TokenWindows windows, PyTorchProcess python)
    {
        using var steps = new TrainingSteps(model, TrainingExamples.FromWindows(windows), isLora: kind != "full");
        var times = new List<(double Here, double There)>();
        double first = 0, difference = 0;
        var clock = Stopwatch.StartNew();
        for (int step = 0; step < UnmeasuredSteps + 5 || clock.Elapsed < 2 * s_time; step++)
        {
            int[] indices = [.. Enumerable.Range(step % Batches * Batch, Batch)];
            long start = Stopwatch.GetTimestamp();
            double loss = steps.Step(indices);
            double here = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            (double expected, double there) = python.Step(kind, step);
            if (step == 0) first = loss;
            if (step == 0 || kind == "full" && step < UnmeasuredSteps)
                difference = Math.Max(difference, Math.Abs(loss - expected));
            if (step >= UnmeasuredSteps) times.Add((here, there));
        }

        const double tokens = Batch * (Length - 1) * 1000.0;
        return new TrainingSpeedResult("stories260K", kind, tokens / Median(times.Select(t => t.Here)),
            tokens / Median(times.Select(t => t.There)), Median(times.Select(t => t.Here / t.There)), times.Count,
            first, difference);
    }

    private static TrainingMemoryResult Memory(string kind, LanguageModel model, TokenWindows windows)
    {
        using var steps = new TrainingSteps(model, TrainingExamples.FromWindows(windows), isLora: kind != "full");
        for (int i = 0; i < 100; i++) steps.Step([i % windows.Count]);
        (long bytes, long managed, long tensors) before = Now();
        for (int i = 0; i < MemorySteps / 2; i++) steps.Step([i % windows.Count]);
        (long bytes, long managed, long tensors) half = Now();
        for (int i = MemorySteps / 2; i < MemorySteps; i++) steps.Step([i % windows.Count]);
        (long bytes, long managed, long tensors) after = Now();
        return new TrainingMemoryResult("stories260K", kind, MemorySteps, after.bytes - before.bytes,
            after.bytes - half.bytes, after.managed - before.managed, after.tensors - before.tensors);
    }

    private static (long Bytes, long Managed, long Tensors) Now()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        using Process process = Process.GetCurrentProcess();
        return (process.WorkingSet64, GC.GetGCMemoryInfo().TotalCommittedBytes, Tensor.TotalCount);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private static void WriteTokens(string path, TokenWindows windows)
    {
        using FileStream file = File.Create(path);
        for (int i = 0; i < windows.Count; i++)
        {
            long[] wide = new long[windows.Length];
            for (int t = 0; t < wide.Length; t++) wide[t] = windows[i][t];
            file.Write(MemoryMarshal.AsBytes<long>(wide));
        }
    }
}
