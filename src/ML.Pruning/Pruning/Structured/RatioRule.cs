using ML.Pruning.Models;

namespace ML.Pruning.Pruning.Structured;

/// <summary>How many groups a ratio stands for.</summary>
/// <remarks>Of c rows c - int(c (1 - ratio)) go, as in the authors' code (LLMPruner/torch_pruning); of heads only whole
/// ones, cut: the rows are those of the key projection. One group always stays.</remarks>
internal static class RatioRule
{
    /// <summary>Groups of a family that go.</summary>
    public static int Removed(ModelSpec spec, GroupFamily family, double ratio)
    {
        int width = family.Kind == GroupKind.Heads ? spec.Layers[family.Layer].HeadSize : 1;
        return Math.Min(Removed(family.Count * width, ratio) / width, family.Count - 1);
    }

    /// <summary>Of a number of rows, those that go.</summary>
    public static int Removed(int count, double ratio) => count - (int)(count * (1 - ratio));
}
