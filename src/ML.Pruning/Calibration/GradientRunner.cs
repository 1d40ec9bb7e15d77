using ML.Pruning.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Calibration;

/// <summary>Gathers the loss's gradients by the weights of a whole model over calibration windows.</summary>
/// <remarks>
/// <para>Unlike activation statistics this needs the whole model at once, in float32, with its gradients. Squares take
/// one backward pass a window; without them several windows share one.</para>
/// <para>Movement comes from a training run of the weights asked for, all others fixed: at each step the movement takes
/// in - rate g w, then the optimizer moves the weights. The model itself is not changed.</para>
/// <para>The same windows, threads and machine give the same bits.</para>
/// </remarks>
internal static class GradientRunner
{
    /// <summary>Bytes that a run holds at most: <see cref="DifferentiableModel.EstimateBytes"/>, the sums, and two
    /// moments a weight for AdamW.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="count">Weights to differentiate by.</param>
    /// <param name="needs">What is gathered.</param>
    /// <param name="movement">How a movement run goes.</param>
    /// <param name="windows">Calibration windows.</param>
    /// <param name="length">Tokens in a window.</param>
    public static long EstimateBytes(ModelSpec spec, long count, StatisticsNeeds needs, MovementOptions movement,
        int windows, int length)
    {
        bool trains = needs.HasFlag(StatisticsNeeds.Movement);
        int batch = Math.Min(windows, trains ? movement.BatchSize : WindowsPerBatch(spec, needs, length));
        int moments = trains && movement.Optimizer == MovementOptimizer.AdamW ? 2 * sizeof(float) : 0;
        return DifferentiableModel.EstimateBytes(spec, count, batch, length)
            + count * (needs.BytesPerWeight() + moments);
    }

    /// <summary>Runs the windows.</summary>
    /// <param name="model">The model, with weights.</param>
    /// <param name="windows">The windows, at least one.</param>
    /// <param name="tensors">Canonical names of the weights.</param>
    /// <param name="needs">What to gather.</param>
    /// <param name="movement">How a movement run goes.</param>
    /// <param name="progress">Told the fraction done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked between backward passes.</param>
    /// <returns>The statistics by canonical name.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyDictionary<string, GradientStatistics> Run(LanguageModel model, TokenWindows windows,
        IReadOnlyCollection<string> tensors, StatisticsNeeds needs, MovementOptions movement, Action<double>? progress,
        CancellationToken cancellationToken)
    {
        Dictionary<string, GradientStatistics> statistics = tensors.ToDictionary(
            name => name, name => new GradientStatistics(checked((int)model.Weights[name].ElementCount), needs));
        using var differentiable = new DifferentiableModel(model, windows, tensors);
        bool trains = needs.HasFlag(StatisticsNeeds.Movement);

        // Gradients first: the training run moves the weights.
        if ((needs & (StatisticsNeeds.Gradient | StatisticsNeeds.SquaredGradient)) != 0)
            Sum(differentiable, windows, WindowsPerBatch(model.Spec, needs, windows.Length), statistics,
                fraction => progress?.Invoke(trains ? fraction / 2 : fraction), cancellationToken);
        if (trains)
        {
            bool alone = needs.OfGradients() == StatisticsNeeds.Movement;
            Move(differentiable, windows, movement.Validated(), statistics,
                fraction => progress?.Invoke(alone ? fraction : 0.5 + fraction / 2), cancellationToken);
        }

        return statistics;
    }

    private static int WindowsPerBatch(ModelSpec spec, StatisticsNeeds needs, int length) =>
        needs.HasFlag(StatisticsNeeds.SquaredGradient) ? 1 : DifferentiableModel.WindowsPerBatch(spec, length);

    private static void Sum(DifferentiableModel model, TokenWindows windows, int step,
        Dictionary<string, GradientStatistics> statistics, Action<double> progress, CancellationToken cancellationToken)
    {
        for (int start = 0; start < windows.Count; start += step)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(step, windows.Count - start);
            model.Differentiate(start, count);
            foreach ((string name, Parameter parameter) in model.Parameters)
                DifferentiableModel.Look(parameter, (_, gradient) => statistics[name].Add(gradient, count));
            progress((start + count) / (double)windows.Count);
        }
    }

    private static void Move(DifferentiableModel model, TokenWindows windows, MovementOptions options,
        Dictionary<string, GradientStatistics> statistics, Action<double> progress, CancellationToken cancellationToken)
    {
        int batch = Math.Min(options.BatchSize, windows.Count);
        int steps = options.Steps ?? (windows.Count + batch - 1) / batch;
        Parameter[] parameters = [.. model.Parameters.Select(p => p.Parameter)];
        using optim.Optimizer optimizer = options.Optimizer == MovementOptimizer.Sgd
            ? optim.SGD(parameters, options.LearningRate)
            : optim.AdamW(parameters, options.LearningRate);
        for (int step = 0; step < steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            model.Differentiate((int)((long)step * batch % windows.Count), batch, 1.0 / batch);
            foreach ((string name, Parameter parameter) in model.Parameters)
            {
                DifferentiableModel.Look(parameter, (weight, gradient) =>
                    statistics[name].AddStep(weight, gradient, options.LearningRate));
            }

            optimizer.step();
            progress((step + 1.0) / steps);
        }
    }
}
