using ML.Pruning.Samples.Reviews;

namespace ML.Pruning.Tests.Samples;

/// <summary>The sample learns, keeps most of it at 80 % sparsity, and serves what it saved.</summary>
[TestClass]
public sealed class ClassifyReviewsTests
{
    [TestMethod]
    public void Run_GeneratedReviews_LearnsAndServes()
    {
        ClassifyReviews.Outcome found = ClassifyReviews.Run(
            ReviewGrammar.Write(800, seed: 1), ReviewGrammar.Write(200, seed: 2), hidden: 32, steps: 150);
        Assert.IsGreaterThan(0.9, found.Dense);
        Assert.IsGreaterThan(0.9, found.Sparse);
        Assert.AreEqual(0.8, found.Sparsity, 0.01);
        StringAssert.Contains(found.Served, "is positive");
    }

    [TestMethod]
    public void Make_Texts_HasSpecialTokensCharactersAndFrequentWords()
    {
        CollectionAssert.AreEqual(
            new[] { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a", "b", "##b", "ab", "ba" },
            WordVocabulary.Make(["Ab ab", "ba bb ba ab"], 2).ToArray());
    }
}
