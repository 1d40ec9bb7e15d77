using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using TorchSharp.Modules;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>What dynamics work on.</summary>
internal sealed record DynamicsContext
{
    /// <summary>All parameters of the model by canonical name.</summary>
    public required IReadOnlyList<(string Name, Parameter Parameter)> Parameters { get; init; }

    /// <summary>The matrices whose zeros count: those that have a mask, and those of the plan.</summary>
    public required IReadOnlyCollection<string> Masked { get; init; }

    /// <summary>The model's shape.</summary>
    public required ModelSpec Spec { get; init; }

    /// <summary>The sparsities to reach; null for dynamics that do not follow a plan.</summary>
    public PruningPlan? Plan { get; init; }

    /// <summary>The method that the plan is of; null without one.</summary>
    public WeightPruning? Method { get; init; }

    /// <summary>When the sparsities are reached.</summary>
    public required SparsitySchedule Schedule { get; init; }

    /// <summary>Steps from one choice of masks to the next, at least 1.</summary>
    public required int MaskInterval { get; init; }

    /// <summary>How the weights are trained, resolved.</summary>
    public required TrainingOptions Training { get; init; }

    /// <summary>Steps of the training.</summary>
    public int Steps => Training.Steps!.Value;

    /// <summary>The matrices of the plan, in its order.</summary>
    public IEnumerable<(PlannedTensor Tensor, Parameter Parameter)> Planned()
    {
        Dictionary<string, Parameter> byName =
            Parameters.ToDictionary(p => p.Name, p => p.Parameter, StringComparer.Ordinal);
        return Plan!.Tensors.Select(tensor => (tensor, byName[tensor.Name]));
    }

    /// <summary>Keeps the zeros of matrices outside the plan.</summary>
    /// <returns>The hook; the caller disposes it.</returns>
    public MaskKeeper KeepOthers()
    {
        HashSet<string> planned = [.. Plan!.Tensors.Select(t => t.Name)];
        return new MaskKeeper(Parameters.Where(p => Masked.Contains(p.Name) && !planned.Contains(p.Name)));
    }

    /// <summary>How far the training is at a step, in [0, 1].</summary>
    public double Progress(int step) => Steps == 1 ? 1 : (double)step / (Steps - 1);
}
