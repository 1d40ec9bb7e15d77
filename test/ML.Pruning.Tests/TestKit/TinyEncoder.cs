using System.Text;
using ML.Pruning.Calibration;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Recovery;

namespace ML.Pruning.Tests.TestKit;

/// <summary>A complete Hugging Face folder with a tiny random BERT and a WordPiece vocabulary, and texts whose label is
/// easy to learn: whether more good or more bad words occur.</summary>
internal sealed class TinyEncoder : IDisposable
{
    private static readonly string[] s_good = ["good", "great", "fine"], s_bad = ["bad", "poor", "dull"];
    private static readonly string[] s_other = ["the", "film", "is", "a", "very", "story", "##ly", "and", ",", "."];

    public TinyEncoder(string architecture = "BertForSequenceClassification")
    {
        Folder = Path.Combine(Directory.CreateTempSubdirectory("ml-pruning-tests-").FullName, "model");
        using LanguageModel model = Create(architecture);
        HuggingFaceModel.Save(model, Folder);
    }

    public string Folder { get; }

    public static readonly string[] Texts =
    [
        "The film is very good.", "", "A dull, poor story and a bad film", "fine", "Greatly good and bad",
        "the story is a film and the film is a story and the story is very very very very very very very very very "
            + "dull.",
    ];

    /// <summary>Two layers, hidden size 16, context 24, labels "negative" and "positive".</summary>
    public static LanguageModel Create(string architecture = "BertForSequenceClassification") =>
        LanguageModelInitializer.Create($$"""
            { "model_type": "bert", "architectures": ["{{architecture}}"], "hidden_size": 16, "intermediate_size": 32,
              "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": {{Vocabulary.Length}},
              "max_position_embeddings": 24, "id2label": { "0": "negative", "1": "positive" },
              "label2id": { "negative": 0, "positive": 1 } }
            """, seed: 1, tokenizerFiles: new Dictionary<string, byte[]>
            {
                ["vocab.txt"] = Encoding.UTF8.GetBytes(string.Join('\n', Vocabulary)),
            });

    public static string[] Vocabulary =>
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", .. s_good, .. s_bad, .. s_other];

    /// <summary>Texts with labels.</summary>
    public static LabeledText[] Labeled(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            bool isGood = random.Next(2) == 0;
            string[] words = isGood ? s_good : s_bad;
            IEnumerable<string> text = Enumerable.Range(0, random.Next(3, 9)).Select(_ => s_other[random.Next(6)])
                .Append(words[random.Next(words.Length)]);
            string[] shuffled = [.. text];
            random.Shuffle(shuffled);
            return new LabeledText(string.Join(' ', shuffled), isGood ? "positive" : "0");
        })];
    }

    /// <summary>The same as a file.</summary>
    public static string WriteLabeled(string path, int count)
    {
        File.WriteAllLines(path, ["sentence\tlabel", .. Labeled(count).Select(t => $"{t.Text} \t{t.Label}")]);
        return path;
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(Folder)!, recursive: true);
}
