using ML.Pruning.Inference;

namespace ML.Pruning.Tests.Inference;

/// <summary>Oracle: a search of the whole text character by character. Properties: nothing leaks, nothing is
/// lost.</summary>
[TestClass]
public sealed class StopSequenceFilterTests
{
    [TestMethod]
    public void Add_NoSequences_GivesEverythingAtOnce()
    {
        var filter = new StopSequenceFilter([]);
        Assert.AreEqual("abc", filter.Add("abc"));
        Assert.AreEqual("", filter.Flush());
    }

    [TestMethod]
    public void Add_SequenceAcrossPieces_HoldsBackWhatCouldBecomeIt()
    {
        var filter = new StopSequenceFilter(["END."]);
        Assert.AreEqual("a", filter.Add("aE"));
        Assert.AreEqual("", filter.Add("N"));
        Assert.AreEqual("EN", filter.Add("E"));
        Assert.AreEqual("", filter.Add("ND"));
        Assert.IsFalse(filter.Stopped);
        Assert.AreEqual("", filter.Add(".tail"));
        Assert.IsTrue(filter.Stopped);
        Assert.AreEqual("", filter.Add("more"));
        Assert.AreEqual("", filter.Flush());
    }

    [TestMethod]
    public void Flush_SequenceBegunOnly_GivesItOut()
    {
        var filter = new StopSequenceFilter(["aab"]);
        Assert.AreEqual("a", filter.Add("aaa"));
        Assert.AreEqual("aa", filter.Flush());
    }

    [TestMethod]
    public void Add_TwoSequences_TheOneCompleteFirstCounts()
    {
        Assert.AreEqual("a", new StopSequenceFilter(["abc", "b"]).Add("abc"));
        Assert.AreEqual("x", new StopSequenceFilter(["b", "ab"]).Add("xab"));
    }

    [TestMethod]
    public void Add_RandomTextsAndCuts_EqualsTheSearchOfTheWhole()
    {
        var random = new Random(3);
        int stopped = 0;
        for (int round = 0; round < 2000; round++)
        {
            string text = Word(random, random.Next(20));
            string[] sequences =
                [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Word(random, random.Next(1, 6)))];
            var filter = new StopSequenceFilter(sequences);
            string given = "";
            for (int start = 0, count; start < text.Length; start += count)
            {
                count = Math.Min(random.Next(1, 5), text.Length - start);
                given += filter.Add(text.Substring(start, count));
            }

            (string expected, bool stops) = Search(text, sequences);
            Assert.AreEqual(expected, given + filter.Flush(), $"{text}: {string.Join(", ", sequences)}");
            Assert.AreEqual(stops, filter.Stopped);
            if (stops) stopped++;
        }

        Assert.IsGreaterThan(200, stopped);
        Assert.IsLessThan(1800, stopped);
    }

    private static string Word(Random random, int length) =>
        string.Concat(Enumerable.Range(0, length).Select(_ => (char)('a' + random.Next(3))));

    private static (string Text, bool Stops) Search(string text, string[] sequences)
    {
        for (int end = 1; end <= text.Length; end++)
        {
            int longest = sequences.Where(s => text[..end].EndsWith(s, StringComparison.Ordinal))
                .Select(s => s.Length).DefaultIfEmpty().Max();
            if (longest > 0) return (text[..(end - longest)], true);
        }

        return (text, false);
    }
}
