using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Inference;

/// <summary>Properties of asynchronous streaming.</summary>
[TestClass]
public sealed class StreamAsyncTests
{
    [TestMethod]
    public async Task StreamAsync_Pieces_AreThoseOfStream()
    {
        using LanguageModel model = ScriptedModel.Create("Grüße, 🐻! Ende.");
        var generator = new TextGenerator(model, new GenerationOptions { StopSequences = ["Ende"] });
        var pieces = new List<string>();
        await foreach (string piece in generator.StreamAsync("Gr")) pieces.Add(piece);
        CollectionAssert.AreEqual(generator.Stream("Gr").ToArray(), pieces);
        Assert.AreEqual("Grüße, 🐻! ", string.Concat(pieces));
    }

    [TestMethod]
    public async Task StreamAsync_TheCallerGoesOnWhileTheModelRuns()
    {
        using LanguageModel model = ScriptedModel.Create(new string('x', 200));
        await using IAsyncEnumerator<string> pieces = new TextGenerator(model).StreamAsync("").GetAsyncEnumerator();
        int unfinished = 0;
        while (true)
        {
            ValueTask<bool> next = pieces.MoveNextAsync();
            if (!next.IsCompleted) unfinished++;
            if (!await next) break;
        }

        // A call that computed before it returned would be complete every time.
        Assert.IsGreaterThan(0, unfinished);
    }

    [TestMethod]
    public async Task StreamAsync_CancelledBetweenTokens_Stops()
    {
        using LanguageModel model = ScriptedModel.Create(new string('x', 200));
        using var source = new CancellationTokenSource();
        int pieces = 0;
        await Assert.ThrowsAsync<OperationCanceledException>(async () =>
        {
            await foreach (string _ in new TextGenerator(model).StreamAsync("").WithCancellation(source.Token))
                if (++pieces == 3) await source.CancelAsync();
        });
        Assert.AreEqual(3, pieces);
    }

    [TestMethod]
    public void StreamAsync_PromptTooLong_ThrowsAtOnce()
    {
        using LanguageModel model = ScriptedModel.Create("abc");
        Assert.Throws<ArgumentException>(() => new TextGenerator(model).StreamAsync("abcdef"));
    }
}
