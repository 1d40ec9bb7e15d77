using ML.Pruning.Checkpoints;
using ML.Pruning.Models;

namespace ML.Pruning.Pruning.Structured;

/// <summary>Groups that go from a model: what the smaller model looks like, and its tensors as views of the big
/// ones.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
internal sealed class StructuralCut
{
    // Of each tensor that loses something: along rows and columns, what goes.
    private readonly Dictionary<string, bool[]?[]> _removed = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ParameterSpec> _parameters;

    /// <summary>Prepares a cut.</summary>
    /// <param name="spec">The model.</param>
    /// <param name="groups">What goes.</param>
    /// <exception cref="PruningException">Nothing would be left of something.</exception>
    public StructuralCut(ModelSpec spec, IReadOnlyCollection<DependencyGroup> groups)
    {
        Before = spec;
        Kept = KeptUnits.Without(spec, groups);
        After = Kept.Shrink(spec);
        _parameters = spec.Parameters().ToDictionary(p => p.Name);
        foreach (ParameterSlice slice in groups.Where(g => g.Kind != GroupKind.Layer).SelectMany(g => g.Slices))
        {
            IReadOnlyList<long> shape = _parameters[slice.Tensor].Shape;
            if (!_removed.TryGetValue(slice.Tensor, out bool[]?[]? sides))
                _removed.Add(slice.Tensor, sides = new bool[shape.Count][]);
            bool[] side = sides[slice.Dimension] ??= new bool[shape[slice.Dimension]];
            side.AsSpan(slice.Start, slice.Count).Fill(true);
        }
    }

    /// <summary>The shape before.</summary>
    public ModelSpec Before { get; }

    /// <summary>The shape after.</summary>
    public ModelSpec After { get; }

    /// <summary>What is left.</summary>
    public KeptUnits Kept { get; }

    /// <summary>The name that a tensor has in the smaller model; null when it goes as a whole.</summary>
    public string? NewName(string name)
    {
        int layer = _parameters[name].Layer;
        if (layer < 0) return name;
        int index = Kept.LayerIndices.ToList().IndexOf(layer);
        return index < 0 ? null : $"layers.{index}.{name[$"layers.{layer}.".Length..]}";
    }

    /// <summary>Whether a tensor loses rows or columns.</summary>
    public bool Changes(string name) => _removed.ContainsKey(name);

    /// <summary>What is left of a tensor, under the name that it had.</summary>
    public StoredTensor Slice(string name, StoredTensor tensor) => _removed.TryGetValue(name, out bool[]?[]? sides)
        ? new SlicedTensor(Plain(tensor), Rest(sides[0]), sides.Length > 1 ? Rest(sides[1]) : null)
        : tensor;

    /// <summary>The tensor in its full size, with zeros where it loses something.</summary>
    public StoredTensor Mask(string name, StoredTensor tensor) => _removed.TryGetValue(name, out bool[]?[]? sides)
        ? new ZeroedTensor(Plain(tensor), sides[0], sides.Length > 1 ? sides[1] : null)
        : tensor;

    /// <summary>The type in which what is left of a tensor is stored.</summary>
    public static TensorType PlainType(StoredTensor tensor) => Plain(tensor).Type;

    // Codes and scales have no slices; the numbers that they stand for have.
    private static StoredTensor Plain(StoredTensor tensor) => (tensor as QuantizedTensor)?.Dequantized() ?? tensor;

    private static int[]? Rest(bool[]? removed) =>
        removed is null ? null : [.. Enumerable.Range(0, removed.Length).Where(i => !removed[i])];
}
