using ML.Pruning.Samples.EmbeddedModel;

namespace ML.Pruning.Tests.Samples;

/// <summary>The grammar's stories are reproducible, varied and whole.</summary>
[TestClass]
public class StoryGrammarTests
{
    [TestMethod]
    public void Write_SameSeed_GivesTheSameStories()
    {
        CollectionAssert.AreEqual(StoryGrammar.Write(20, 4).ToArray(), StoryGrammar.Write(30, 4).Take(20).ToArray());
    }

    [TestMethod]
    public void Write_TrainingAndEvaluationSeeds_ShareNoStory()
    {
        var seen = StoryGrammar.Write(20_000, 1000).ToHashSet();
        Assert.IsGreaterThan(19_900, seen.Count);
        Assert.AreEqual(0, StoryGrammar.Write(EmbeddedModelFiles.EvaluationStories, EmbeddedModelFiles.EvaluationSeed)
            .Count(seen.Contains));
    }

    [TestMethod]
    public void Write_EveryStory_IsWholeSentencesAboutOneChild()
    {
        foreach (string story in StoryGrammar.Write(300, 5))
        {
            StringAssert.Matches(story, new(@"^Once there was a \w+ child named (\w+)\. \1 .*[.]$"));
            Assert.DoesNotContain("  ", story);
            Assert.IsTrue(story.Count(c => c == '"') % 2 == 0, story);
        }
    }
}
