using System.Security.Cryptography;
using System.Text;
using ML.Pruning.Calibration;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Benchmarks;

/// <summary>Text to tokens, with the hash of the same text as a yardstick for the machine.</summary>
internal sealed class TokenizationBenchmark : Benchmark
{
    private const int Texts = 200;

    public override string Name => "tokenization";

    public override string Description =>
        $"the first {Texts} stories of stories.valid.jsonl by the tokenizer of stories260K, against SHA-256 of their bytes";

    public override string? WhyNot(string sharedFolder) =>
        !Directory.Exists(Model(sharedFolder)) ? $"{Model(sharedFolder)} is missing"
        : !File.Exists(Data(sharedFolder)) ? $"{Data(sharedFolder)} is missing"
        : null;

    public override IEnumerable<Measurement> Run(string sharedFolder)
    {
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(Model(sharedFolder));
        string[] texts = [.. TextCorpus.Read(Data(sharedFolder)).Take(Texts)];
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

    private static string Model(string sharedFolder) => Path.Combine(sharedFolder, "models", "stories260K");

    private static string Data(string sharedFolder) => Path.Combine(sharedFolder, "data", "stories.valid.jsonl");
}
