using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using static TorchSharp.torch;

namespace ML.Pruning.Pruning.Structured;

/// <summary>Gathers statistics of the inputs of some linear maps in all layers of a model as it is.</summary>
/// <param name="parts">The maps, such as <see cref="TensorNames.Down"/>.</param>
/// <param name="create">Makes the statistics of an input, given the number of features: what observes it.</param>
internal sealed class InputGathering<T>(
    IReadOnlyCollection<string> parts, Func<int, (T Result, Action<Tensor> Observer)> create)
    : ILayerVisitor
{
    private readonly Dictionary<string, T> _results = new(StringComparer.Ordinal);

    /// <summary>What was gathered, by canonical name of the weight.</summary>
    public IReadOnlyDictionary<string, T> Results => _results;

    /// <inheritdoc/>
    public IReadOnlyDictionary<LinearInput, Action<Tensor>> Observe(int layer, IReadOnlyList<LinearInput> inputs)
    {
        var observers = new Dictionary<LinearInput, Action<Tensor>>();
        foreach (LinearInput input in inputs)
        {
            string[] wanted = [.. input.Parts.Where(parts.Contains)];
            if (wanted.Length == 0) continue;
            (T result, Action<Tensor> observer) = create(input.Features);
            foreach (string part in wanted) _results.Add(TensorNames.Weight(layer, part), result);
            observers.Add(input, observer);
        }

        return observers;
    }

    /// <inheritdoc/>
    public bool Changes(int layer) => false;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, StoredTensor> Replace(int layer) =>
        throw new InvalidOperationException("The model is only looked at.");
}
