using System.Text;
using ML.Pruning.Evaluation;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Evaluation;

[TestClass]
public sealed class TextScorerTests
{
    [TestMethod]
    [DataRow(EngineKind.Onnx)]
    [DataRow(EngineKind.Torch)]
    public void Score_TextsOfAllLengths_EachAsAlone(EngineKind engine)
    {
        using LanguageModel model = RandomModel.Create(TinyModel.Spec with { ContextLength = 500 },
            tokenizer: HuggingFaceTokenizer.Parse(Encoding.UTF8.GetBytes(TinyModel.ByteTokenizer())));
        string[] texts = [.. new[] { 3, 490, 0, 20, 1, 41, 700, 2, 60, 130, 4 }.Select(
            (length, i) => new string([.. Enumerable.Range(0, length).Select(t => (char)('a' + (t * i + t) % 26))]))];

        TextScore[] together = TextScorer.Score(model, texts, engine);

        for (int i = 0; i < texts.Length; i++)
        {
            TextScore alone = TextScorer.Score(model, [texts[i]], engine)[0];
            Assert.AreEqual(alone.LogLikelihood, together[i].LogLikelihood, 1e-4 * (1 + texts[i].Length), $"text {i}");
            Assert.AreEqual(alone with { LogLikelihood = 0 }, together[i] with { LogLikelihood = 0 });
            Assert.AreEqual(texts[i].Length == 0, alone.LogLikelihood == 0);
        }
    }
}
