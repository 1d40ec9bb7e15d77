using System.Security.Cryptography;
using System.Text;
using ML.Pruning.Calibration;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Benchmarks;

/// <summary>Text to tokens, with the hash of the same text as a yardstick for the machine.</summary>
internal sealed class TokenizationBenchmark : Benchmark
{
    private const int Texts = 200;
    private const string Model = "stories260K";
    private const string Data = "stories.valid.jsonl";

    public override string Name => "tokenization";

    public override string Description =>
        $"the first {Texts} stories of stories.valid.jsonl by the tokenizer of stories260K, against SHA-256 of their bytes";

    public override string? WhyNot(BenchmarkSettings settings) =>
        !Directory.Exists(settings.Model(Model)) ? $"{settings.Model(Model)} is missing"
        : !File.Exists(settings.Data(Data)) ? $"{settings.Data(Data)} is missing"
        : null;

    public override IEnumerable<object> Run(BenchmarkSettings settings)
    {
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(settings.Model(Model));
        string[] texts = [.. TextCorpus.Read(settings.Data(Data)).Take(Texts)];
        byte[] bytes = Encoding.UTF8.GetBytes(string.Concat(texts));
        int tokens = texts.Sum(text => tokenizer.EncodeData(text).Count);

        Measurement hash = Measurement.Time("SHA-256", () => SHA256.HashData(bytes));
        Measurement encode = Measurement.Time("encode", () =>
        {
            foreach (string text in texts)
            {
                tokenizer.EncodeData(text);
            }
        });
        return
        [
            hash,
            encode,
            Measurement.Speedup(hash, encode),
            Measurement.Derived("tokens", "1/s", tokens / encode.Value * 1000),
            Measurement.Derived("text", "MB/s", bytes.Length / encode.Value / 1000),
        ];
    }
}
