using System.Text;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Recovery;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Recovery;

/// <summary>Pairs as examples: tokens by hand (one a byte), the loss against a float64 decoder, files.</summary>
[TestClass]
public class TrainingExamplesTests
{
    private const string Config = """
        { "model_type": "llama", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
          "num_attention_heads": 2, "vocab_size": 300, "max_position_embeddings": 32, "bos_token_id": 1,
          "eos_token_id": 2 }
        """;

    [TestMethod]
    public void FromPairs_Batch_CountsTheAnswerAndTheEnd()
    {
        using LanguageModel model = Model();
        TrainingExamples examples = TrainingExamples.FromPairs(
            [new InstructionPair("ab", "cd"), new InstructionPair("x", "y")], model);
        Assert.AreEqual(2, examples.Count);
        Assert.AreEqual(6, examples.MaximumLength);
        TrainingBatch batch = examples.Batch([0, 1]);

        // BOS a b c d EOS; BOS x y EOS and two that pad.
        CollectionAssert.AreEqual(
            new[] { 1, 3 + 'a', 3 + 'b', 3 + 'c', 3 + 'd', 2, 1, 3 + 'x', 3 + 'y', 2, 2, 2 }, batch.Tokens);
        CollectionAssert.AreEqual(new[] { 2, 3, 4, 6, 7 }, batch.Counted);
        using Tensor targets = batch.Targets();
        CollectionAssert.AreEqual(
            new long[] { 3 + 'c', 3 + 'd', 2, 3 + 'y', 2 }, targets.data<long>().ToArray());
    }

    [TestMethod]
    public void FromPairs_TooLong_IsCutOrLeftOutAndCounted()
    {
        using LanguageModel model = Model();
        TrainingExamples examples = TrainingExamples.FromPairs(
            [new("abcdefgh", "i"), new("abc", "defgh"), new("a", "b")], model, sequenceLength: 6);
        Assert.AreEqual(2, examples.Count);
        CollectionAssert.AreEqual(
            new[] { 1, 3 + 'a', 3 + 'b', 3 + 'c', 3 + 'd', 3 + 'e' }, examples.Tokens(0).ToArray());
        Assert.AreEqual(2, (int)examples.ToJson()["pairsCut"]!);
        Assert.AreEqual(1, (int)examples.ToJson()["pairsLeftOut"]!);
    }

    [TestMethod]
    public void Loss_OfPaddedPairs_IsTheFloat64MeanOverAnswers()
    {
        using LanguageModel model = Model();
        TrainingExamples examples = TrainingExamples.FromPairs([new("ab", "cd"), new("xyz", "w")], model);
        double sum = 0;
        int count = 0;
        var reference = new Float64Decoder(model);
        foreach ((int index, int start) in new[] { (0, 3), (1, 4) })
        {
            int[] tokens = examples.Tokens(index).ToArray();
            double[][] logits = reference.Logits(tokens);
            for (int t = start; t < tokens.Length; t++, count++)
                sum += Math.Log(logits[t - 1].Sum(Math.Exp)) - logits[t - 1][tokens[t]];
        }

        using TorchDecoder decoder = TorchDecoder.Load(model);
        using Tensor loss = new NextTokenObjective(decoder).Loss(examples.Batch([0, 1]));
        Assert.AreEqual(5, count);
        Assert.AreEqual(sum / count, loss.ToDouble(), 1e-5);
    }

    [TestMethod]
    public void Read_BothSpellings_GiveThePairs()
    {
        using var folder = new TestFolder();
        string path = Path.Combine(folder.Path, "pairs.jsonl");
        File.WriteAllLines(path, [
            """{"prompt": "2+3=", "response": "5"}""",
            """{"instruction": "Add.", "input": "2 3", "output": "5"}""",
            """{"instruction": "Hi", "input": "", "output": "Ho"}""",
        ]);
        CollectionAssert.AreEqual(
            new InstructionPair[] { new("2+3=", "5"), new("Add.\n\n2 3\n\n", "5"), new("Hi\n\n", "Ho") },
            InstructionPair.Read(path).ToArray());
        using LanguageModel model = Model();
        Assert.AreEqual(3, (int)TrainingExamples.FromFile(path, model).ToJson()["pairs"]!);
        File.WriteAllText(path, """{"text": "a long enough text", "prompt": "no"}""");
        Assert.AreEqual(2, (int)TrainingExamples.FromFile(path, model, 8).ToJson()["windows"]!);
        File.WriteAllText(path, """{"prompt": "no answer"}""");
        var error = Assert.ThrowsExactly<InvalidDataException>(() => TrainingExamples.FromFile(path, model));
        StringAssert.Contains(error.Message, "pairs.jsonl', line 1: expected a JSON object with strings \"prompt\"");
    }

    private static LanguageModel Model() => LanguageModelInitializer.Create(Config, seed: 2, TensorType.F32,
        new Dictionary<string, byte[]> { ["tokenizer.json"] = Encoding.UTF8.GetBytes(TinyModel.ByteTokenizer()) });
}
