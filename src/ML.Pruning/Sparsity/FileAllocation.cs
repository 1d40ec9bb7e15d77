using System.IO.Enumeration;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;

namespace ML.Pruning.Sparsity;

/// <summary>Sparsities given by the user: one for each pattern of tensor names.</summary>
/// <remarks>The first pattern that matches a tensor counts; * stands for any characters. A tensor that none matches
/// gets the method's sparsity. Immutable and thread-safe.</remarks>
public sealed class FileAllocation : ISparsityAllocation
{
    private const long MaximumBytes = 16 << 20;

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true };

    private readonly (string Pattern, double Sparsity)[] _rules;

    /// <summary>Creates the allocation.</summary>
    /// <param name="rules">Patterns of canonical names with their sparsities in [0, 1), in order of precedence.</param>
    /// <exception cref="ArgumentException">There is no rule, or a sparsity is out of range.</exception>
    public FileAllocation(IEnumerable<KeyValuePair<string, double>> rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        _rules = [.. rules.Select(r => (r.Key, r.Value))];
        if (_rules.Length == 0) throw new ArgumentException("The allocation has no rule.", nameof(rules));
        foreach ((string pattern, double sparsity) in _rules)
        {
            if (!(sparsity >= 0 && sparsity < 1))
            {
                throw new ArgumentException($"The allocation gives '{pattern}' a sparsity of {sparsity}; it must lie "
                    + "in [0, 1).", nameof(rules));
            }
        }
    }

    /// <inheritdoc/>
    public string Name => "file";

    /// <inheritdoc/>
    public JsonObject Options() => new(Rules.Select(r => KeyValuePair.Create(r.Key, (JsonNode?)r.Value)));

    /// <summary>The patterns with their sparsities, in order of precedence.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> Rules =>
        [.. _rules.Select(r => KeyValuePair.Create(r.Pattern, r.Sparsity))];

    /// <summary>Reads a file: one JSON object of patterns and sparsities, such as
    /// <c>{ "layers.0.*": 0.2, "*mlp*": 0.6 }</c>.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The allocation.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="CheckpointFormatException">It is no JSON object.</exception>
    /// <exception cref="ArgumentException">A value is no number in [0, 1); the message names it.</exception>
    public static FileAllocation Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path)) throw new FileNotFoundException($"The allocation file '{path}' does not exist.", path);
        JsonObject json = BoundedFile.ParseObject(path, BoundedFile.ReadAllBytes(path, MaximumBytes));
        return new FileAllocation(json.Select(entry => KeyValuePair.Create(entry.Key,
            entry.Value is JsonValue value && value.TryGetValue(out double sparsity)
                ? sparsity
                : throw new ArgumentException($"'{path}': the value of '{entry.Key}' is "
                    + $"{entry.Value?.ToJsonString() ?? "null"}; a number in [0, 1) is needed."))));
    }

    /// <summary>Writes a file that <see cref="Read"/> reads, with every number exact.</summary>
    /// <param name="path">The file, which appears whole or not at all; an existing one is replaced.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(string path) =>
        AtomicFile.WriteAllBytes(path, Encoding.UTF8.GetBytes(Options().ToJsonString(s_json)));

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A pattern matches no tensor.</exception>
    public IReadOnlyList<double> Allocate(IReadOnlyList<WeightShape> tensors, double sparsity)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        foreach ((string pattern, _) in _rules)
        {
            if (tensors.Any(t => Matches(pattern, t.Name))) continue;
            throw new ArgumentException($"The allocation's pattern '{pattern}' matches none of the tensors to prune.");
        }

        return [.. tensors.Select(t => _rules.Where(r => Matches(r.Pattern, t.Name))
            .Select(r => (double?)r.Sparsity).FirstOrDefault() ?? sparsity)];
    }

    private static bool Matches(string pattern, string name) =>
        FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);
}
