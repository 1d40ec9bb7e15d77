using System.Globalization;
using ML.Pruning.Benchmarks;
using ML.Pruning.Benchmarks.Kernels;
using ML.Pruning.Benchmarks.Models;
using ML.Pruning.Benchmarks.Pruning;
using ML.Pruning.Benchmarks.Training;

if (args is [PruningProcess.Command, .. var job]) return PruningProcess.Run(job);

Benchmark[] all =
[
    new ArithmeticBenchmark(), new DynamicBenchmark(), new EncoderSpeedBenchmark(), new GraphSpeedBenchmark(), new KernelsBenchmark(),
    new LargeModelBenchmark(), new LlamaSpeedBenchmark(), new MaskSelectionBenchmark(),
    new RecoveryBenchmark("stories260K", "stories", steps: 300, batchSize: 8),
    new RecoveryBenchmark("docs-6m", "docs", steps: 120, batchSize: 4),
    new Sst2Benchmark(), new TokenizationBenchmark(), new TrainingSpeedBenchmark(),
];
string output = Path.Combine("artifacts", "bench"), shared = Path.Combine("..", "shared");
double scale = 1;
var names = new List<string>();
for (int i = 0; i < args.Length; i++)
{
    bool hasValue = i + 1 < args.Length;
    if (args[i] == "--output" && hasValue) output = args[++i];
    else if (args[i] == "--shared" && hasValue) shared = args[++i];
    else if (args[i] == "--scale" && hasValue && double.TryParse(args[++i], CultureInfo.InvariantCulture, out scale)
        && scale is > 0 and <= 1) continue;
    else if (!args[i].StartsWith('-') && scale > 0) names.Add(args[i]);
    else return Usage($"'{args[i]}' is not understood.");
}

string[] groups = [.. all.Select(b => b.Group).Distinct()];
if (names is ["list"])
{
    foreach (Benchmark benchmark in all)
        Console.WriteLine($"{benchmark.Group,-14} {benchmark.Name,-16} {benchmark.Description}");
    return 0;
}

string[] known = [.. groups.Union(all.Select(b => b.Name))];
if (names.FirstOrDefault(name => !known.Contains(name)) is { } unknown)
    return Usage($"There is no benchmark '{unknown}'. Known are: {string.Join(", ", known)}.");

var settings = new BenchmarkSettings(shared, output, scale);
Directory.CreateDirectory(output);
foreach (string name in names.Count > 0 ? names : [.. groups])
{
    string path = Path.Combine(output, $"{name}.json");
    var file = new ResultFile(path);
    file.Write();
    foreach (Benchmark benchmark in all.Where(b => b.Group == name || b.Name == name))
    {
        Console.WriteLine($"{benchmark.Name}: {benchmark.Description}");
        if (benchmark.WhyNot(settings) is { } reason)
        {
            Console.WriteLine($"  left out: {reason}");
            continue;
        }

        foreach (object result in benchmark.Run(settings))
        {
            Console.WriteLine($"  {result}");
            file.Add(benchmark.Name, result);
        }
    }

    Console.WriteLine($"  -> {path}");
}

return 0;

static int Usage(string problem)
{
    Console.Error.WriteLine(problem);
    Console.Error.WriteLine("Usage: build/bench.sh [list | NAME...] [--output DIR] [--scale FRACTION] [--shared DIR]");
    return 2;
}
