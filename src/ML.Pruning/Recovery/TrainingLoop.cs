using ML.Pruning.Calibration;
using ML.Pruning.Models.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery;

/// <summary>What a training run came to.</summary>
/// <param name="InitialLoss">Loss on the held-out windows before the first step; null without them.</param>
/// <param name="BestLoss">The lowest loss on the held-out windows; null without them.</param>
/// <param name="BestStep">Steps after which it was reached; without held-out windows all of them.</param>
/// <param name="Values">The trained parameters at that point, row-major, in the order in which they were given.</param>
internal sealed record TrainingOutcome(
    double? InitialLoss, double? BestLoss, int BestStep, IReadOnlyList<float[]> Values);

/// <summary>Next-token training of some of a decoder's parameters, whichever take part.</summary>
/// <remarks>AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) on the mean cross-entropy of a batch. The same seed,
/// number of threads and machine give the same bits. Not thread-safe.</remarks>
/// <param name="decoder">The model in float32; its forward pass must depend on every trained parameter.</param>
/// <param name="parameters">The parameters to train.</param>
/// <param name="options">How, validated.</param>
/// <param name="heldOut">Windows at the end that are held out.</param>
internal sealed class TrainingLoop(
    TorchDecoder decoder, IReadOnlyList<Parameter> parameters, TrainingOptions options, int heldOut)
{
    /// <summary>Called when the gradients of a step are there, before they are clipped: the place to mask
    /// them.</summary>
    public Action? GradientsReady { get; init; }

    /// <summary>Trains.</summary>
    /// <param name="windows">The corpus.</param>
    /// <param name="progress">Told after each step, and at the start.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <returns>The best parameters.</returns>
    /// <exception cref="TrainingException">The loss or the gradient is not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public TrainingOutcome Run(
        TokenWindows windows, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        foreach (Parameter parameter in parameters) parameter.requires_grad = true;
        using optim.Optimizer optimizer = MakeOptimizer();
        var order = new WindowOrder(windows.Count - heldOut, options.Seed);
        double? initial = Validate(windows, 0, cancellationToken);
        var best = new TrainingOutcome(initial, initial, 0, heldOut > 0 ? Snapshot() : []);
        progress?.Report(new TrainingProgress(0, options.Steps, 0, double.NaN, initial));
        for (int step = 0; step < options.Steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            double rate = options.LearningRateAt(step);
            foreach (optim.ILearningRateController group in optimizer.ParamGroups) group.LearningRate = rate;
            double loss = Step(optimizer, windows, order.Next(options.BatchSize), step);
            int done = step + 1;
            bool measure = done % options.ValidationInterval == 0 || done == options.Steps;
            double? validation = measure ? Validate(windows, done, cancellationToken) : null;
            if (validation < best.BestLoss)
                best = best with { BestLoss = validation, BestStep = done, Values = Snapshot() };
            progress?.Report(new TrainingProgress(done, options.Steps, rate, loss, validation));
        }

        return heldOut > 0 ? best : best with { BestStep = options.Steps, Values = Snapshot() };
    }

    private AdamW MakeOptimizer()
    {
        AdamW.ParamGroup Group(IEnumerable<Parameter> members, double weightDecay) => new(
            [.. members], options.LearningRate, options.Beta1, options.Beta2, options.Epsilon, weightDecay);

        AdamW.ParamGroup[] groups =
        [
            Group(parameters.Where(p => p.ndim >= 2), options.WeightDecay),
            Group(parameters.Where(p => p.ndim < 2), 0),
        ];
        return optim.AdamW(groups.Where(g => g.Parameters.Any()), options.LearningRate, options.Beta1, options.Beta2,
            options.Epsilon);
    }

    private double Step(optim.Optimizer optimizer, TokenWindows windows, int[] batch, int step)
    {
        using DisposeScope scope = NewDisposeScope();
        optimizer.zero_grad();
        Tensor loss = Loss(windows, batch);
        double value = loss.ToDouble();
        RequireFinite(value, "training loss", step);
        loss.backward();
        GradientsReady?.Invoke();
        RequireFinite(nn.utils.clip_grad_norm_(parameters, options.MaxGradientNorm), "norm of the gradients", step);
        optimizer.step();
        return value;
    }

    // Mean cross-entropy of the predictions of tokens 1 to L - 1 of each window.
    private Tensor Loss(TokenWindows windows, ReadOnlySpan<int> batch)
    {
        using DisposeScope scope = NewDisposeScope();
        var tokens = new int[batch.Length * windows.Length];
        for (int i = 0; i < batch.Length; i++) windows[batch[i]].CopyTo(tokens.AsSpan(i * windows.Length));
        Tensor ids = TorchWeights.ToTokens(tokens, batch.Length);
        int predictions = windows.Length - 1;
        Tensor logits = decoder.forward(ids.narrow(1, 0, predictions));
        Tensor targets = ids.narrow(1, 1, predictions).reshape(-1);
        return nn.functional.cross_entropy(logits.view(targets.shape[0], logits.shape[2]), targets)
            .MoveToOuterDisposeScope();
    }

    private double? Validate(TokenWindows windows, int step, CancellationToken cancellationToken)
    {
        if (heldOut == 0) return null;
        using IDisposable noGrad = no_grad();
        double sum = 0;
        foreach (int[] batch in Enumerable.Range(windows.Count - heldOut, heldOut).Chunk(options.BatchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            sum += Loss(windows, batch).ToDouble() * batch.Length;
        }

        RequireFinite(sum, "validation loss", step);
        return sum / heldOut;
    }

    private float[][] Snapshot()
    {
        using IDisposable noGrad = no_grad();
        return [.. parameters.Select(parameter =>
        {
            var values = new float[parameter.numel()];
            TorchWeights.CopyTo(parameter, values);
            return values;
        })];
    }

    private void RequireFinite(double value, string what, int step)
    {
        if (double.IsFinite(value)) return;
        double rate = options.LearningRateAt(Math.Max(0, step - 1));
        throw new TrainingException($"The {what} is {value} after {step} of {options.Steps} steps (learning rate "
            + $"{rate:G3}); lower the learning rate or lengthen the warm-up, and check that the model's weights are "
            + "finite.");
    }
}
