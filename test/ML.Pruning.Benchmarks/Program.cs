using ML.Pruning.Benchmarks;

Benchmark[] all = [new MaskSelectionBenchmark(), new TokenizationBenchmark()];

if (args is not [var outputFolder, var sharedFolder, .. var names])
{
    Console.Error.WriteLine("Usage: ML.Pruning.Benchmarks OUTPUT_FOLDER SHARED_FOLDER [list | NAME...]");
    return 2;
}

if (names is ["list"])
{
    foreach (Benchmark benchmark in all)
    {
        Console.WriteLine($"{benchmark.Name,-16} {benchmark.Description}");
    }

    return 0;
}

if (names.FirstOrDefault(name => all.All(benchmark => benchmark.Name != name)) is { } unknown)
{
    Console.Error.WriteLine(
        $"There is no benchmark '{unknown}'. Known are: {string.Join(", ", all.Select(benchmark => benchmark.Name))}.");
    return 2;
}

foreach (Benchmark benchmark in all.Where(benchmark => names.Length == 0 || names.Contains(benchmark.Name)))
{
    Console.WriteLine($"{benchmark.Name}: {benchmark.Description}");
    if (benchmark.WhyNot(sharedFolder) is { } reason)
    {
        Console.WriteLine($"  left out: {reason}");
        continue;
    }

    var report = new BenchmarkReport(benchmark.Name, benchmark.Description, Machine.Current, [.. benchmark.Run(sharedFolder)]);
    foreach (Measurement measurement in report.Measurements)
    {
        Console.WriteLine($"  {measurement}");
    }

    Console.WriteLine($"  -> {report.Write(outputFolder)}");
}

return 0;
