using System.IO.Enumeration;
using ML.Pruning.Models;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Which weight matrices of a model are pruned.</summary>
internal static class TensorSelection
{
    /// <summary>The matrices that the name patterns choose; without patterns the linear maps of all layers.</summary>
    /// <param name="spec">The model.</param>
    /// <param name="include">Names with * for any characters; null = the linear maps of all layers.</param>
    /// <param name="exclude">Names with * for any characters.</param>
    /// <returns>Shapes, in the order of the forward pass; at least one.</returns>
    /// <exception cref="ArgumentException">A pattern matches nothing, or nothing is left.</exception>
    public static IReadOnlyList<WeightShape> Choose(
        ModelSpec spec, IReadOnlyList<string>? include, IReadOnlyList<string> exclude)
    {
        ParameterSpec[] matrices = [.. spec.Parameters().Where(p =>
            p.Role is ParameterRole.Linear or ParameterRole.Embedding or ParameterRole.Head)];
        RequireMatches(matrices, include ?? []);
        RequireMatches(matrices, exclude);
        WeightShape[] chosen = [.. matrices
            .Where(p => include is null
                ? p.Role == ParameterRole.Linear
                : include.Any(pattern => Matches(pattern, p.Name)))
            .Where(p => !exclude.Any(pattern => Matches(pattern, p.Name)))
            .Select(p => new WeightShape(p.Name, p.Layer, (int)p.Shape[0], (int)p.Shape[1]))];
        return chosen.Length > 0
            ? chosen
            : throw new ArgumentException("The name patterns leave no tensor to prune.");
    }

    private static bool Matches(string pattern, string name) =>
        FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);

    private static void RequireMatches(ParameterSpec[] matrices, IReadOnlyList<string> patterns)
    {
        foreach (string pattern in patterns)
        {
            if (!matrices.Any(p => Matches(pattern, p.Name)))
            {
                throw new ArgumentException($"The name pattern '{pattern}' matches no weight matrix; names look like "
                    + $"'{TensorNames.Weight(0, TensorNames.Query)}', and * stands for any characters.");
            }
        }
    }
}
