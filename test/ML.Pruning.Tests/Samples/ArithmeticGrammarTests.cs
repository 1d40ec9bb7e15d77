using System.Text.RegularExpressions;
using ML.Pruning.Samples.Arithmetic;

namespace ML.Pruning.Tests.Samples;

/// <summary>Word problems are right, plentiful, and never about a calculation of the other side.</summary>
[TestClass]
public sealed partial class ArithmeticGrammarTests
{
    [TestMethod]
    public void Write_Solutions_AreRightAndFollowTheQuestion()
    {
        foreach (WordProblem problem in ArithmeticGrammar.Write(1000, seed: 1, heldOut: false))
        {
            Match match = Steps().Match(problem.Solution);
            Assert.IsTrue(match.Success, problem.Solution);
            int Number(int group) => int.Parse(match.Groups[group].Value);
            int middle = Apply(Number(1), match.Groups[2].Value, Number(3));
            Assert.AreEqual(middle, Number(4), problem.Solution);
            Assert.AreEqual(middle, Number(5), problem.Solution);
            Assert.AreEqual(Apply(middle, match.Groups[6].Value, Number(7)), Number(8), problem.Solution);
            Assert.AreEqual(problem.Answer, Number(8));
            Assert.AreEqual(problem.Answer, Number(9));
            CollectionAssert.AreEqual(new[] { Number(1), Number(3), Number(7) },
                Digits().Matches(problem.Question).Select(m => int.Parse(m.Value)).ToArray(), problem.Question);
            Assert.AreEqual(match.Groups[6].Value == "+", problem.Question.LastIndexOf(" more. How", StringComparison.Ordinal) > 0);
        }
    }

    [TestMethod]
    public void Write_TrainingAndHeldOut_ShareNoCalculation()
    {
        HashSet<string> training = Calculations(ArithmeticGrammar.Write(20_000, seed: 1, heldOut: false));
        HashSet<string> heldOut = Calculations(ArithmeticGrammar.Write(4000, seed: 1, heldOut: true));
        Assert.IsFalse(training.Overlaps(heldOut));
        Assert.HasCount(ArithmeticGrammar.TrainingCalculations, training);
        Assert.HasCount(ArithmeticGrammar.HeldOutCalculations, heldOut);
        Assert.IsGreaterThan(700, training.Count);
        Assert.IsGreaterThan(80, heldOut.Count);
    }

    [TestMethod]
    public void Write_SameSeed_GivesTheSameProblemsAllDifferent()
    {
        WordProblem[] once = [.. ArithmeticGrammar.Write(2000, seed: 5, heldOut: false)];
        CollectionAssert.AreEqual(once, ArithmeticGrammar.Write(2000, seed: 5, heldOut: false).ToArray());
        Assert.HasCount(2000, once.Select(p => p.Question).ToHashSet());
        Assert.AreNotEqual(once[0], ArithmeticGrammar.Write(1, seed: 6, heldOut: false).Single());
    }

    [TestMethod]
    [DataRow("7 + 5 = 12. 12 - 4 = 8. Answer: 8", true)]
    [DataRow("8", true)]
    [DataRow("Answer: 8.", true)]
    [DataRow("8 9", false)]
    [DataRow("18", false)]
    [DataRow("", false)]
    [DataRow("99999999999", false)]
    public void IsSolvedBy_LastNumber_Decides(string text, bool solved) =>
        Assert.AreEqual(solved, new WordProblem("", "", 8).IsSolvedBy(text));

    private static HashSet<string> Calculations(IEnumerable<WordProblem> problems) =>
        [.. problems.Select(p => Steps().Match(p.Solution)).Select(m =>
            string.Join(' ', m.Groups[1], m.Groups[2], m.Groups[3], m.Groups[6], m.Groups[7]))];

    private static int Apply(int left, string operation, int right) => operation switch
    {
        "+" => left + right,
        "-" => left - right,
        _ => left * right,
    };

    [GeneratedRegex(@"^(\d+) ([-+x]) (\d+) = (\d+)\. (\d+) ([-+]) (\d+) = (\d+)\. Answer: (\d+)$")]
    private static partial Regex Steps();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits();
}
