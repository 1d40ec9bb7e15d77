using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Tests.Checkpoints;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>A Hugging Face folder written by hand: config.json as text, and random tensors under the family's own
/// names.</summary>
internal sealed class FamilyFolder(string configJson, int seed = 1) : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly Random _random = new(seed);
    private readonly Dictionary<string, ArrayTensor> _tensors = [];

    public string Model => _folder["model"];

    public string WeightFile => Path.Combine(Model, "model.safetensors");

    public string this[string name] => _folder[name];

    /// <summary>The values of a tensor, by the name in the file.</summary>
    public double[] Values(string name) => Array.ConvertAll(_tensors[name].ToArray(), v => (double)v);

    public bool Has(string name) => _tensors.ContainsKey(name);

    /// <summary>Adds a tensor of Gaussian values around a mean.</summary>
    public FamilyFolder Add(string name, double mean, double scale, params long[] shape)
    {
        long count = shape.Aggregate(1L, (product, n) => product * n);
        return Add(name, [.. Enumerable.Range(0, (int)count).Select(_ => (float)(mean + scale * Gaussian()))], shape);
    }

    public FamilyFolder Add(string name, float[] values, params long[] shape)
    {
        _tensors.Add(name, new ArrayTensor(name, values, shape));
        return this;
    }

    /// <summary>A matrix that keeps the size of what it multiplies.</summary>
    public FamilyFolder Matrix(string name, long rows, long columns, long inFeatures) =>
        Add(name, 0, 1.5 / Math.Sqrt(inFeatures), rows, columns);

    public FamilyFolder Gain(string name, long width) => Add(name, 1, 0.2, width);

    public FamilyFolder Bias(string name, long width) => Add(name, 0, 0.3, width);

    /// <summary>Adds a tensor again under another name.</summary>
    public FamilyFolder Repeat(string name, string copy) =>
        Add(copy, _tensors[name].ToArray(), [.. _tensors[name].Shape]);

    /// <summary>Writes the files.</summary>
    /// <param name="fileName">The name in the file of a tensor; null = as it was added.</param>
    public FamilyFolder Write(Func<string, string>? fileName = null)
    {
        Directory.CreateDirectory(Model);
        File.WriteAllText(Path.Combine(Model, "config.json"), configJson);
        SafetensorsWriter.Write(
            WeightFile, [.. _tensors.Values.Select(t => fileName is null ? t : t.Renamed(fileName(t.Name)))]);
        return this;
    }

    /// <summary>Opens the folder, compares the torch engine with the oracle, and writes and reads the model
    /// again.</summary>
    /// <param name="oracle">Tokens to logits [length][vocabulary].</param>
    /// <param name="savedName">The name under which a tensor is written; null = it is left out.</param>
    public void AssertFaithful(Func<int[], double[][]> oracle, Func<string, string?>? savedName = null)
    {
        int[] tokens;
        float[] logits;
        using (LanguageModel model = HuggingFaceModel.Open(Model))
        {
            Assert.IsNull(model.Tokenizer);
            tokens = [.. Enumerable.Range(0, 14).Select(_ => _random.Next(model.Spec.VocabularySize))];
            logits = Logits(model, tokens);
            HuggingFaceModel.Save(model, _folder["saved"]);
        }

        AssertClose(oracle(tokens), logits);
        AssertSavedFiles(savedName ?? (name => name));
        using LanguageModel again = HuggingFaceModel.Open(_folder["saved"]);
        CollectionAssert.AreEqual(logits, Logits(again, tokens));
    }

    /// <summary>Logits after every token, or of the labels of a classifier.</summary>
    public static float[] Logits(LanguageModel model, int[] tokens)
    {
        using var engine = new TorchEngine(model);
        if (model.Spec.Encoder is { IsClassifier: true } encoder)
        {
            var scores = new float[encoder.Labels.Count];
            engine.LabelScores(tokens, [tokens.Length], scores);
            return scores;
        }

        var logits = new float[tokens.Length * model.Spec.VocabularySize];
        engine.Logits(tokens, 1, logits);
        return logits;
    }

    public static void AssertClose(double[][] expected, float[] actual)
    {
        double[] flat = [.. expected.SelectMany(row => row)];
        Assert.HasCount(flat.Length, actual);
        double largest = flat.Max(Math.Abs);
        double error = flat.Zip(actual, (e, a) => Math.Abs(e - a)).Max();
        Assert.IsTrue(error <= 1e-5 * largest, $"Off by {error} of {largest}.");
    }

    public void Dispose() => _folder.Dispose();

    private static byte[] Bytes(StoredTensor tensor)
    {
        var bytes = new byte[tensor.ByteLength];
        tensor.ReadBytes(0, bytes);
        return bytes;
    }

    private void AssertSavedFiles(Func<string, string?> savedName)
    {
        using SafetensorsFile saved = SafetensorsFile.Open(Path.Combine(_folder["saved"], "model.safetensors"));
        (string? Name, ArrayTensor Tensor)[] kept =
            [.. _tensors.Values.Select(t => (savedName(t.Name), t)).Where(t => t.Item1 is not null)];
        CollectionAssert.AreEquivalent(kept.Select(t => t.Name).ToArray(), saved.Tensors.Keys.ToArray());
        foreach ((string? name, ArrayTensor tensor) in kept)
        {
            CollectionAssert.AreEqual(tensor.Shape.ToArray(), saved.Tensors[name!].Shape.ToArray(), name);
            CollectionAssert.AreEqual(Bytes(tensor), Bytes(saved.Tensors[name!]), name);
        }

        JsonObject config = HuggingFaceFolder.ReadConfig(Path.Combine(_folder["saved"], "config.json"));
        foreach ((string key, JsonNode? value) in JsonNode.Parse(configJson)!.AsObject())
            Assert.IsTrue(config.ContainsKey(key) && JsonNode.DeepEquals(value, config[key]), key);
    }

    private double Gaussian() =>
        Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
}
