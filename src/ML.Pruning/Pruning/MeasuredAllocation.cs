using System.Text.Json.Nodes;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>The sparsities that a scan chose.</summary>
internal sealed class MeasuredAllocation(SensitivityAllocation scan, FileAllocation chosen) : ISparsityAllocation
{
    /// <inheritdoc/>
    public string Name => scan.Name;

    /// <inheritdoc/>
    public JsonObject Options()
    {
        JsonObject options = scan.Options();
        options["chosen"] = chosen.Options();
        return options;
    }

    /// <inheritdoc/>
    public IReadOnlyList<double> Allocate(IReadOnlyList<WeightShape> tensors, double sparsity) =>
        chosen.Allocate(tensors, sparsity);
}
