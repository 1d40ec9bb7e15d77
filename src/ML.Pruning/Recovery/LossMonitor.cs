namespace ML.Pruning.Recovery;

/// <summary>Notices when the loss of the batches leaves its usual range for good.</summary>
/// <remarks>A loss is suspicious when it is more than so many standard deviations, and a tenth, above the mean of the
/// last 32 others. Three in a row are a spike: one alone may be an odd batch.</remarks>
internal sealed class LossMonitor
{
    private const int Window = 32;
    private const int Fewest = 16;
    private const int InARow = 3;

    /// <summary>The last losses that were not suspicious, oldest first.</summary>
    public List<double> Recent { get; init; } = [];

    /// <summary>Suspicious losses in a row.</summary>
    public int Suspicious { get; set; }

    /// <summary>Takes a loss in.</summary>
    /// <param name="loss">The loss of a batch, finite.</param>
    /// <param name="deviations">Standard deviations above the mean that are suspicious; null = none are.</param>
    /// <returns>Whether this completes a spike.</returns>
    public bool Add(double loss, double? deviations)
    {
        if (deviations is { } limit && Recent.Count >= Fewest)
        {
            double mean = Recent.Average();
            double deviation = Math.Sqrt(Recent.Average(r => (r - mean) * (r - mean)));
            if (loss > mean + Math.Max(limit * deviation, 0.1 * Math.Abs(mean)))
            {
                if (++Suspicious < InARow) return false;
                Suspicious = 0;
                return true;
            }
        }

        Suspicious = 0;
        Recent.Add(loss);
        if (Recent.Count > Window) Recent.RemoveAt(0);
        return false;
    }
}
