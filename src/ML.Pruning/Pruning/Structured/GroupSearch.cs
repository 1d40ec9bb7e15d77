using ML.Pruning.Calibration;
using ML.Pruning.Importance;
using ML.Pruning.Models;

namespace ML.Pruning.Pruning.Structured;

/// <summary>Looks for the groups that matter least, in one or several rounds: each scores what the rounds before have
/// left.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class GroupSearch
{
    private readonly PruningRun _run;
    private readonly DependencyGraph _graph;
    private readonly GroupFamily[] _families;
    private readonly GroupImportance _importance;
    private readonly GroupAggregation _aggregation;
    private readonly int _seed;

    // For each family the groups that are left, by their index in the model before, and their scores.
    private readonly List<int>[] _left;
    private readonly double[][] _scores;
    private readonly double[] _costs;
    private readonly double?[] _highestRemoved;

    /// <summary>Starts with everything left.</summary>
    public GroupSearch(PruningRun run, DependencyGraph graph, GroupFamily[] families, GroupImportance importance,
        GroupAggregation aggregation, int seed)
    {
        _run = run;
        _graph = graph;
        _families = families;
        _importance = importance;
        _aggregation = aggregation;
        _seed = seed;
        _left = [.. families.Select(f => Enumerable.Range(0, f.Count).ToList())];
        _scores = [.. families.Select(f => Array.Empty<double>())];
        _costs = new double[families.Length];
        _highestRemoved = new double?[families.Length];
    }

    /// <summary>What was chosen.</summary>
    public IReadOnlyList<GroupChoice> Choices => [.. _families.Select((family, f) => new GroupChoice(family,
        [.. Enumerable.Range(0, family.Count).Except(_left[f])], _highestRemoved[f], _scores[f].Min()))];

    /// <summary>Scores what is left.</summary>
    /// <param name="needs">What calibration has to gather.</param>
    /// <param name="round">Round, from 1.</param>
    /// <param name="rounds">How many there are.</param>
    public void Score(StatisticsNeeds needs, int round, int rounds)
    {
        using LanguageModel? smaller = round == 1 ? null : ModelSlicer.Slice(
            _run.Model, new StructuralCut(_graph.Spec, [.. Gone()]), _run.TempFolder, _run.CancellationToken);
        LanguageModel model = smaller ?? _run.Model;
        DependencyGraph graph = round == 1 ? _graph : DependencyGraph.Of(model.Spec);
        GroupFamily[] families = [.. _families.Select(f => graph.Family(f.Kind, f.Layer))];
        IReadOnlyDictionary<string, GradientStatistics>? gradients = needs == StatisticsNeeds.None ? null
            : _run.DifferentiateModel(model, [.. families.SelectMany(GroupScorer.Scored).Distinct()], needs,
                fraction => _run.Report("differentiate", (round - 1 + fraction) / rounds));
        var scorer = new GroupScorer(model, _importance, _aggregation, _seed);
        for (int f = 0; f < families.Length; f++)
        {
            _run.CancellationToken.ThrowIfCancellationRequested();
            _scores[f] = scorer.Score(families[f], gradients);
            _costs[f] = GroupScorer.WeightsOf(model.Spec, families[f][0]);
        }
    }

    /// <summary>Removes the lowest of each family.</summary>
    /// <param name="removed">How many of a family have gone afterwards, those of earlier rounds included.</param>
    public void RemoveLowest(Func<GroupFamily, int> removed)
    {
        for (int f = 0; f < _families.Length; f++)
        {
            int already = _families[f].Count - _left[f].Count;
            Remove(f, GroupRanking.Lowest(_scores[f], Math.Max(0, removed(_families[f]) - already)));
        }
    }

    /// <summary>Removes the lowest of all families together.</summary>
    /// <param name="ratio">The fraction of the groups, or of their parameters, that has gone afterwards.</param>
    /// <param name="normalization">How scores are made comparable.</param>
    /// <param name="weighByCost">Whether parameters count instead of groups.</param>
    public void RemoveLowestTogether(double ratio, ScoreNormalization normalization, bool weighByCost)
    {
        double[] costs = weighByCost ? _costs : [.. _costs.Select(_ => 1.0)];
        double all = _families.Select((family, f) => family.Count * costs[f]).Sum();
        double gone = _families.Select((family, f) => (family.Count - _left[f].Count) * costs[f]).Sum();
        double budget = weighByCost ? all * ratio : RatioRule.Removed((int)all, ratio);
        double[][] comparable = [.. _scores.Select((own, f) =>
        {
            double[] copy = [.. own];
            ScoreNormalizer.Apply(normalization, copy);
            return weighByCost ? [.. copy.Select(s => s / costs[f])] : copy;
        })];
        IReadOnlyList<IReadOnlyList<int>> chosen = GroupRanking.LowestTogether(comparable, costs, budget - gone);
        for (int f = 0; f < _families.Length; f++) Remove(f, chosen[f]);
    }

    private IEnumerable<DependencyGroup> Gone() => _families.SelectMany((family, f) =>
        Enumerable.Range(0, family.Count).Except(_left[f]).Select(i => family[i]));

    private void Remove(int family, IReadOnlyList<int> places)
    {
        if (places.Count == 0) return;
        double highest = places.Max(i => _scores[family][i]);
        _highestRemoved[family] = Math.Max(_highestRemoved[family] ?? highest, highest);
        HashSet<int> gone = [.. places];
        _left[family] = [.. _left[family].Where((_, i) => !gone.Contains(i))];
        _scores[family] = [.. _scores[family].Where((_, i) => !gone.Contains(i))];
    }
}
