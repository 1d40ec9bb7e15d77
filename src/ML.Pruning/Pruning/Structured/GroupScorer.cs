using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Importance;
using ML.Pruning.Models;

namespace ML.Pruning.Pruning.Structured;

/// <summary>Scores the groups of families by the weights of their parameters.</summary>
/// <remarks>Biases go with their rows and are not scored, as in the authors' code. Every parameter gives each of its
/// rows (or columns) a score; where a group owns several heads' rows of one parameter and one head's of another, those
/// of consecutive heads are added up channel by channel. (The authors' code folds them with a stride, so that the
/// scores of a head end up with another key/value head's.) Then the parameters are put together channel by channel, and
/// the channels of a head are added up.</remarks>
internal sealed class GroupScorer
{
    private readonly LanguageModel _model;
    private readonly GroupImportance _importance;
    private readonly GroupAggregation _aggregation;
    private readonly int _seed;

    public GroupScorer(LanguageModel model, GroupImportance importance, GroupAggregation aggregation, int seed)
    {
        _model = model;
        _importance = importance;
        _aggregation = aggregation;
        _seed = seed;
    }

    /// <summary>The parameters of a family's groups that are scored, in the order of the forward pass.</summary>
    public static IEnumerable<string> Scored(GroupFamily family) =>
        Members(family[0]).Select(s => s.Tensor).Distinct();

    /// <summary>Scores all groups of a family.</summary>
    /// <param name="family">The family, of the model to be scored.</param>
    /// <param name="gradients">Gradients by tensor, where needed.</param>
    /// <returns>One score a group; a low one may go.</returns>
    /// <exception cref="PruningException">A score is not finite.</exception>
    public double[] Score(GroupFamily family, IReadOnlyDictionary<string, GradientStatistics>? gradients)
    {
        var scores = new double[family.Count];
        if (_importance == GroupImportance.Random)
        {
            var drawn = new float[family.Count];
            new RandomCriterion(_seed).Score(
                new WeightBlock($"{family.Kind}:{family.Layer}", 0, family.Count, 1, drawn), null, drawn);
            for (int i = 0; i < scores.Length; i++) scores[i] = drawn[i];
            return scores;
        }

        var sides = new Dictionary<(string Tensor, int Dimension), double[]>();
        foreach (ParameterSlice slice in Members(family[0]))
        {
            double[] side = SideScores.Of(_importance, _model.Weights[slice.Tensor],
                gradients?.GetValueOrDefault(slice.Tensor), slice.Dimension);
            if (Array.FindIndex(side, s => !double.IsFinite(s)) is >= 0 and int bad)
            {
                throw new PruningException($"The {_importance} score of {slice with { Start = bad, Count = 1 }} is "
                    + $"{side[bad]}; weights and gradients must be finite. Repair the checkpoint or its text.");
            }

            sides[(slice.Tensor, slice.Dimension)] = side;
        }

        for (int i = 0; i < scores.Length; i++) scores[i] = Score(Members(family[i]), sides);
        return scores;
    }

    /// <summary>Weights of matrices that go with a group.</summary>
    public static long WeightsOf(ModelSpec spec, DependencyGroup group)
    {
        Dictionary<string, ParameterSpec> parameters =
            (group.Layer < 0 ? spec.Parameters() : spec.LayerParameters(group.Layer)).ToDictionary(p => p.Name);
        return group.Slices.Select(s => (Slice: s, parameters[s.Tensor].Shape)).Where(p => p.Shape.Count == 2)
            .Sum(p => p.Slice.Count * p.Shape[1 - p.Slice.Dimension]);
    }

    private static IReadOnlyList<ParameterSlice> Members(DependencyGroup group) =>
        [.. group.Slices.Where(s => !s.Tensor.EndsWith(".bias", StringComparison.Ordinal))];

    private double Score(
        IReadOnlyList<ParameterSlice> members, Dictionary<(string Tensor, int Dimension), double[]> sides)
    {
        int width = members.Min(m => m.Count);
        double score = 0;
        for (int channel = 0; channel < width; channel++)
        {
            score += Aggregate([.. members.Select(m =>
            {
                double folded = 0;
                ReadOnlySpan<double> side = sides[(m.Tensor, m.Dimension)].AsSpan(m.Start, m.Count);
                for (int i = channel; i < side.Length; i += width) folded += side[i];
                return folded;
            })]);
        }

        return score;
    }

    private double Aggregate(double[] scores) => _aggregation switch
    {
        GroupAggregation.Sum => scores.Sum(),
        GroupAggregation.Mean => scores.Average(),
        GroupAggregation.Prod => scores.Aggregate(1.0, (product, s) => product * s),
        GroupAggregation.Max => scores.Max(),
        GroupAggregation.Last => scores[^1],
        _ => throw new InvalidOperationException($"There is no aggregation {_aggregation}."),
    };
}
