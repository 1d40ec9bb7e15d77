using System.Globalization;

namespace ML.Pruning.Pruning.Structured;

/// <summary>Consecutive layers, both ends included, counted from 0.</summary>
/// <param name="First">The first one.</param>
/// <param name="Last">The last one.</param>
public readonly record struct LayerRange(int First, int Last)
{
    /// <summary>Reads a range such as <c>4..29</c>, or a single layer such as <c>7</c>.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The range.</returns>
    /// <exception cref="ArgumentException">Not such a text.</exception>
    public static LayerRange Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] ends = text.Split("..");
        if (ends.Length is 1 or 2 && TryParse(ends[0], out int first) && TryParse(ends[^1], out int last)
            && first <= last)
        {
            return new LayerRange(first, last);
        }

        throw new ArgumentException($"The layer range is \"{text}\"; it must look like 4..29, both ends included, "
            + "counted from 0.");

        static bool TryParse(string end, out int layer) =>
            int.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out layer);
    }

    /// <summary>All layers but the first and the last max(1, count / 8); all of them where that leaves none.</summary>
    /// <param name="count">Layers of the model.</param>
    /// <returns>The range.</returns>
    public static LayerRange Inner(int count)
    {
        int edge = Math.Max(1, count / 8);
        return count > 2 * edge ? new LayerRange(edge, count - 1 - edge) : new LayerRange(0, count - 1);
    }

    /// <summary>Whether a layer is among them.</summary>
    /// <param name="layer">Layer, from 0.</param>
    /// <returns>Whether it is.</returns>
    public bool Contains(int layer) => layer >= First && layer <= Last;

    /// <inheritdoc/>
    public override string ToString() => $"{First}..{Last}";
}
