using System.Globalization;
using Microsoft.ML.Runtime;
using ML.Pruning.Recovery;

namespace ML.Pruning.Transforms;

/// <summary>Tells an ML.NET channel about each measurement of a training run, and the user's listener about each
/// step.</summary>
/// <param name="channel">The channel.</param>
/// <param name="listener">The listener, or null.</param>
internal sealed class TrainingChannel(IChannel channel, IProgress<TrainingProgress>? listener)
    : IProgress<TrainingProgress>
{
    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        listener?.Report(value);
        if (value.ValidationLoss is not { } validation) return;
        channel.Info(MessageSensitivity.None, "{0}", string.Create(CultureInfo.InvariantCulture,
            $"Step {value.Step} of {value.Steps}: loss {value.Loss:F4}, held out {validation:F4}, rate "
            + $"{value.LearningRate:G3}, {value.TokensPerSecond:F0} tokens/s"));
    }
}
