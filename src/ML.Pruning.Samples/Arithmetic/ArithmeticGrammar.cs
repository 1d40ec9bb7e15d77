namespace ML.Pruning.Samples.Arithmetic;

/// <summary>Writes word problems of two-step arithmetic from a grammar of our own. The same seed gives the same
/// problems.</summary>
/// <remarks>A problem is a calculation of three numbers (a + b or a - b or a x b, then + c or - c) told with a child, a
/// thing and verbs. No calculation is both in training problems and in held-out ones: a model must have learned the
/// steps to solve those, not the answers.</remarks>
public static class ArithmeticGrammar
{
    private const int Largest = 20;
    private const int HeldOutOf = 8;

    private static readonly (string Name, string She)[] s_children =
    [
        ("Mina", "she"), ("Tom", "he"), ("Ada", "she"), ("Ben", "he"), ("Lea", "she"), ("Max", "he"), ("Rosa", "she"),
        ("Finn", "he"), ("Zoe", "she"), ("Oskar", "he"),
    ];

    private static readonly string[] s_things =
        ["apples", "pears", "bells", "boats", "hats", "lamps", "cakes", "balls"];
    private static readonly string[] s_gains = ["finds", "gets", "makes", "buys"];
    private static readonly string[] s_losses = ["gives away", "loses", "sells", "breaks"];
    private static readonly string[] s_containers = ["bags", "boxes", "baskets"];

    private static readonly Calculation[] s_all = [.. All()];

    /// <summary>Number of calculations that training problems are about.</summary>
    public static int TrainingCalculations => s_all.Count(c => !c.IsHeldOut);

    /// <summary>Number of calculations that held-out problems are about.</summary>
    public static int HeldOutCalculations => s_all.Count(c => c.IsHeldOut);

    /// <summary>Writes different problems.</summary>
    /// <param name="count">How many, at most some ten thousand.</param>
    /// <param name="seed">Seed.</param>
    /// <param name="heldOut">Whether they are about the calculations kept for evaluation.</param>
    /// <returns>The problems.</returns>
    public static IEnumerable<WordProblem> Write(int count, int seed, bool heldOut)
    {
        var random = new Random(seed);
        Calculation[] calculations = [.. s_all.Where(c => c.IsHeldOut == heldOut)];
        var seen = new HashSet<string>();
        while (seen.Count < count)
        {
            WordProblem problem = Tell(calculations[random.Next(calculations.Length)], random);
            if (seen.Add(problem.Question)) yield return problem;
        }
    }

    // Numbers from 2 to 9, nothing below 0 or above 20.
    private static IEnumerable<Calculation> All() =>
        from a in Enumerable.Range(2, 8)
        from first in "+-x"
        from b in Enumerable.Range(2, 8)
        from second in "+-"
        from c in Enumerable.Range(2, 8)
        let calculation = new Calculation(a, first, b, second, c)
        where calculation.Middle is >= 0 and <= Largest && calculation.Answer is >= 0 and <= Largest
        select calculation;

    private static WordProblem Tell(Calculation sum, Random random)
    {
        (string name, string she) = Pick(s_children);
        string thing = Pick(s_things);
        string start = sum.First == 'x'
            ? $"{name} has {sum.A} {Pick(s_containers)} with {sum.B} {thing} each."
            : $"{name} has {sum.A} {thing}. {Capital(she)} {Change(sum.First, sum.B)}.";
        string question = $"{start} Then {she} {Change(sum.Second, sum.C)}. How many {thing} are there?";
        string solution = $"{sum.A} {sum.First} {sum.B} = {sum.Middle}. "
            + $"{sum.Middle} {sum.Second} {sum.C} = {sum.Answer}. Answer: {sum.Answer}";
        return new WordProblem(question, solution, sum.Answer);

        string Change(char operation, int number) =>
            operation == '+' ? $"{Pick(s_gains)} {number} more" : $"{Pick(s_losses)} {number}";

        T Pick<T>(T[] items) => items[random.Next(items.Length)];
    }

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private readonly record struct Calculation(int A, char First, int B, char Second, int C)
    {
        public int Middle => First switch
        {
            '+' => A + B,
            '-' => A - B,
            _ => A * B,
        };

        public int Answer => Second == '+' ? Middle + C : Middle - C;

        // A multiplicative hash, so that no simple rule tells the two sides apart.
        public bool IsHeldOut
        {
            get
            {
                uint key = (uint)(A | B << 4 | C << 8 | First << 12 | Second << 20);
                return (key * 2654435769u >> 16) % HeldOutOf == 0;
            }
        }
    }
}
