using System.Text.Json;
using ML.Pruning.Inference;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Inference;

/// <summary>Defaults, ranges and the JSON form.</summary>
[TestClass]
public sealed class GenerationOptionsTests
{
    public static IEnumerable<object[]> OutOfRange =>
    [
        [new GenerationOptions { TopK = -1 }, "Top-k is -1"],
        [new GenerationOptions { TopP = 0 }, "Top-p is 0"],
        [new GenerationOptions { TopP = 1.01 }, "Top-p is 1.01"],
        [new GenerationOptions { TopP = double.NaN }, "Top-p is NaN"],
        [new GenerationOptions { MinP = -0.1 }, "Min-p is -0.1"],
        [new GenerationOptions { MinP = 1.1 }, "Min-p is 1.1"],
        [new GenerationOptions { MinP = double.NaN }, "Min-p is NaN"],
        [new GenerationOptions { RepetitionPenalty = 0 }, "repetition penalty is 0"],
        [new GenerationOptions { RepetitionPenalty = -1 }, "repetition penalty is -1"],
        [new GenerationOptions { RepetitionPenalty = double.NaN }, "repetition penalty is NaN"],
        [new GenerationOptions { RepetitionPenalty = double.PositiveInfinity }, "repetition penalty"],
        [new GenerationOptions { StopSequences = ["a", ""] }, "stop sequence is empty"],
        [new GenerationOptions { StopSequences = [null!] }, "stop sequence is empty"],
        [new GenerationOptions { StopSequences = ["\uDC3B"] }, "surrogate"],
        [new GenerationOptions { StopTokenIds = [40] }, "0 to 39"],
        [new GenerationOptions { Temperature = -1 }, "temperature is -1"],
        [new GenerationOptions { MaxNewTokens = 0 }, "new tokens is 0"],
    ];

    [TestMethod]
    [DynamicData(nameof(OutOfRange))]
    public void Validate_OutOfRange_ThrowsAndNamesIt(GenerationOptions options, string expected) =>
        StringAssert.Contains(
            Assert.Throws<ArgumentException>(() => options.Validate(RandomModel.Llama)).Message, expected);

    [TestMethod]
    public void Validate_EndsOfTheRanges_Pass()
    {
        new GenerationOptions().Validate(RandomModel.Llama);
        new GenerationOptions
        {
            MaxNewTokens = 1,
            TopK = 1,
            TopP = 1,
            MinP = 1,
            RepetitionPenalty = double.Epsilon,
            StopTokenIds = [39],
            StopSequences = ["🐻"],
        }.Validate(RandomModel.Llama);
    }

    [TestMethod]
    public void Json_RoundTrip_KeepsEveryValue()
    {
        var options = new GenerationOptions
        {
            MaxNewTokens = 7,
            Temperature = 0.7,
            TopK = 3,
            TopP = 0.9,
            MinP = 0.05,
            RepetitionPenalty = 1.2,
            Seed = 4,
            StopTokenIds = [1, 2],
            StopSequences = ["\n\n", "Ende"],
            Engine = EngineKind.Torch,
        };
        GenerationOptions read = JsonSerializer.Deserialize<GenerationOptions>(JsonSerializer.Serialize(options))!;
        CollectionAssert.AreEqual(options.StopTokenIds.ToArray(), read.StopTokenIds!.ToArray());
        CollectionAssert.AreEqual(options.StopSequences.ToArray(), read.StopSequences!.ToArray());
        Assert.AreEqual(
            options, read with { StopTokenIds = options.StopTokenIds, StopSequences = options.StopSequences });
    }

    [TestMethod]
    public void Json_WithoutTheFilters_LeavesThemOff() =>
        Assert.AreEqual(new GenerationOptions { Temperature = 1 },
            JsonSerializer.Deserialize<GenerationOptions>("""{ "Temperature": 1 }"""));
}
