using System.Text.RegularExpressions;

namespace ML.Pruning.Samples.Arithmetic;

/// <summary>A word problem of two steps.</summary>
/// <param name="Question">The story and its question.</param>
/// <param name="Solution">Both steps, and the answer last.</param>
/// <param name="Answer">The number asked for.</param>
public sealed partial record WordProblem(string Question, string Solution, int Answer)
{
    /// <summary>Whether the last number of a text is the answer.</summary>
    /// <param name="text">What a model wrote after the question.</param>
    public bool IsSolvedBy(string text) =>
        Numbers().Matches(text) is [.., var last] && int.TryParse(last.ValueSpan, out int number) && number == Answer;

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Numbers();
}
