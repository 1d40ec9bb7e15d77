namespace ML.Pruning.Pruning;

/// <summary>The surroundings of a pruning run: where it may write, and whom it tells.</summary>
public sealed record PruningContext
{
    /// <summary>Folder for the changed weights; they are temporary files that go when the last model using them is
    /// disposed or collected.</summary>
    public string TempFolder { get; init; } = Path.GetTempPath();

    /// <summary>Folder that records each finished layer, so that a run which was cancelled or killed goes on from there
    /// when it is started again with the same model, method and windows, and gives the same bits as one that was never
    /// stopped; null = nothing is recorded.</summary>
    /// <remarks>The folder is made with the first finished layer; the one around it must exist. It holds the changed
    /// weights, instead of <see cref="TempFolder"/>. It stays until
    /// <see cref="PruningResult.DiscardResumeState"/>, also after cancellation. Gradients, which come before any layer,
    /// are recorded when they are complete. Layers that compete with each other, and allocations by score, are judged
    /// again from the model as it was. Methods that make the model smaller record nothing: they decide about all layers
    /// at once.</remarks>
    public string? ResumeFolder { get; init; }

    /// <summary>Bytes of memory that the run may take; one whose estimate (<see cref="PruningPlan.PeakMemoryBytes"/>)
    /// is higher is refused before any weight is read. Null = no limit.</summary>
    public long? MemoryLimitBytes { get; init; }

    /// <summary>Threads of matrix products and scoring, at least 1; null = as torch and the machine have it.</summary>
    /// <remarks>Torch's number of threads is the process's; it is set while the run lasts. Masks, counts and everything
    /// computed outside matrix products do not depend on the number; products may differ in the last bits.</remarks>
    public int? Threads { get; init; }

    /// <summary>Told how far the run is.</summary>
    public IProgress<PruningProgress>? Progress { get; init; }

    /// <summary>Told single lines about what is done.</summary>
    public Action<string>? Log { get; init; }

    /// <summary>Stops the run at the next layer, batch or run of rows; nothing is left behind but
    /// <see cref="ResumeFolder"/>.</summary>
    public CancellationToken CancellationToken { get; init; }
}
