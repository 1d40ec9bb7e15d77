using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using static TorchSharp.torch;

namespace ML.Pruning.Calibration;

/// <summary>Writes the statistics of a model as it is to a file, layer by layer.</summary>
/// <remarks>One layer's Hessians are in memory at a time. Disposing it gives them back.</remarks>
internal sealed class StatisticsGatherer : ILayerVisitor, IDisposable
{
    private readonly SafetensorsStreamWriter _writer;
    private readonly StatisticsNeeds _needs;
    private readonly CancellationToken _cancellationToken;
    private readonly List<(LinearInput Input, ActivationStatistics Statistics)> _current = [];

    private StatisticsGatherer(
        SafetensorsStreamWriter writer, StatisticsNeeds needs, CancellationToken cancellationToken)
    {
        _writer = writer;
        _needs = needs;
        _cancellationToken = cancellationToken;
    }

    /// <summary>Runs windows through a model and writes its statistics.</summary>
    /// <param name="model">The model.</param>
    /// <param name="windows">The windows.</param>
    /// <param name="needs">What to gather.</param>
    /// <param name="movement">How a movement run goes.</param>
    /// <param name="path">The file, which appears whole or not at all.</param>
    /// <param name="runner">Streams the windows through the model.</param>
    /// <param name="precision">In what it computes.</param>
    /// <param name="cancellationToken">Checked between tensors.</param>
    /// <exception cref="InvalidDataException">Activations are not finite.</exception>
    public static void Write(LanguageModel model, TokenWindows windows, StatisticsNeeds needs,
        MovementOptions movement, string path, LayerStreamingRunner runner, ComputePrecision precision,
        CancellationToken cancellationToken)
    {
        // Sums of squares are always there.
        if (needs.OfInputs() != StatisticsNeeds.None) needs |= StatisticsNeeds.SumSquares;
        LinearInput[] inputs = needs.OfInputs() == StatisticsNeeds.None ? []
            : [.. Enumerable.Range(0, model.Spec.Layers.Count).SelectMany(l => LinearInput.Of(model.Spec, l))];
        string[] weights = [.. Enumerable.Range(0, model.Spec.Layers.Count).SelectMany(model.Spec.Linears)
            .Select(l => l.WeightName)];
        StoredTensor[] gradients = needs.OfGradients() == StatisticsNeeds.None ? []
            : [.. GradientRunner.Run(model, windows, weights, needs, movement, progress: null, cancellationToken)
                .SelectMany(g => GradientTensors.Of(g.Key, g.Value))];
        using var writer = new SafetensorsStreamWriter(path,
            [.. inputs.SelectMany(i => StatisticsFile.Declare(i, needs)),
            .. gradients.Select(t => (t.Name, t.Type, t.Shape))],
            StatisticsMetadata.Of(model, windows, needs, precision));
        if (inputs.Length > 0)
        {
            using var gatherer = new StatisticsGatherer(writer, needs.OfInputs(), cancellationToken);
            runner.Run(gatherer);
            gatherer.FinishLayer();
        }

        foreach (StoredTensor tensor in gradients) writer.Write(tensor, cancellationToken);
        writer.Commit();
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<LinearInput, Action<Tensor>> Observe(int layer, IReadOnlyList<LinearInput> inputs)
    {
        FinishLayer();
        foreach (LinearInput input in inputs)
            _current.Add((input, new ActivationStatistics(input.Features, _needs)));
        return _current.ToDictionary(c => c.Input, c => (Action<Tensor>)c.Statistics.Add);
    }

    /// <inheritdoc/>
    public bool Changes(int layer) => false;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, StoredTensor> Replace(int layer) =>
        throw new InvalidOperationException("Gathering statistics changes no layer.");

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((_, ActivationStatistics statistics) in _current) statistics.Dispose();
        _current.Clear();
    }

    private void FinishLayer()
    {
        foreach ((LinearInput input, ActivationStatistics statistics) in _current)
        {
            if (!statistics.IsFinite)
            {
                throw new InvalidDataException(
                    $"The inputs of '{TensorNames.Weight(input.Layer, input.Parts[0])}' are not "
                    + "finite on the calibration text; the model's weights are damaged, or its activations overflow.");
            }

            StatisticsFile.Write(_writer, input, statistics, _cancellationToken);
        }

        Dispose();
    }
}
