using System.Text.Json;

namespace ML.Pruning.Benchmarks;

/// <summary>The result file of one benchmark.</summary>
internal sealed record BenchmarkReport(
    string Benchmark, string Description, Machine Machine, IReadOnlyList<Measurement> Measurements)
{
    private static readonly JsonSerializerOptions s_options = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Writes OUTPUT_FOLDER/name.json and returns its path.</summary>
    public string Write(string outputFolder)
    {
        Directory.CreateDirectory(outputFolder);
        string file = Path.Combine(outputFolder, $"{Benchmark}.json");
        File.WriteAllText(file, JsonSerializer.Serialize(this, s_options) + '\n');
        return file;
    }
}
