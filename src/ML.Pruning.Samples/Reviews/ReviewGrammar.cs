using ML.Pruning.Calibration;

namespace ML.Pruning.Samples.Reviews;

/// <summary>Writes one-sentence film reviews that praise or blame: what the sample learns when there is no real data.
/// The same seed gives the same reviews.</summary>
/// <remarks>A "not" turns praise into blame, so that single words do not decide.</remarks>
public static class ReviewGrammar
{
    private static readonly string[] s_praise = ["good", "great", "moving", "funny", "clever", "warm", "lovely"];
    private static readonly string[] s_blame = ["bad", "dull", "boring", "empty", "weak", "cold", "silly"];
    private static readonly string[] s_things = ["film", "story", "cast", "music", "ending", "plot", "script"];
    private static readonly string[] s_starts =
        ["", "in the end ", "as I expected , ", "to be fair , ", "once again , "];
    private static readonly string[] s_ends =
        ["", " .", " , I think .", " from start to end .", " for most of the time ."];

    /// <summary>Writes reviews.</summary>
    /// <param name="count">How many.</param>
    /// <param name="seed">Seed.</param>
    /// <returns>The reviews, labelled "positive" or "negative".</returns>
    public static IReadOnlyList<LabeledText> Write(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Write(random))];
    }

    private static LabeledText Write(Random random)
    {
        bool praises = random.Next(2) == 0, turns = random.Next(4) == 0;
        string word = Pick(praises ? s_praise : s_blame);
        string text = $"{Pick(s_starts)}the {Pick(s_things)} is {(turns ? "not " : "")}{word}{Pick(s_ends)}";
        return new LabeledText(text, praises != turns ? "positive" : "negative");

        string Pick(string[] from) => from[random.Next(from.Length)];
    }
}
