namespace ML.Pruning.Pruning;

/// <summary>The surroundings of a pruning run: where it may write, and whom it tells.</summary>
public sealed class PruningContext
{
    /// <summary>Folder for the changed weights; they are temporary files that go when the last model using them is
    /// disposed or collected.</summary>
    public string TempFolder { get; init; } = Path.GetTempPath();

    /// <summary>Told how far the run is.</summary>
    public IProgress<PruningProgress>? Progress { get; init; }

    /// <summary>Told single lines about what is done.</summary>
    public Action<string>? Log { get; init; }

    /// <summary>Stops the run at the next layer, batch or run of rows; nothing is left behind.</summary>
    public CancellationToken CancellationToken { get; init; }
}
