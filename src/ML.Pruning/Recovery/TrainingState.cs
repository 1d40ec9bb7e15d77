namespace ML.Pruning.Recovery;

/// <summary>Where a training run stands, apart from tensors. Serialised into checkpoints.</summary>
internal sealed class TrainingState
{
    /// <summary>Steps done.</summary>
    public int Step { get; set; }

    /// <summary>Learning rate of the last step.</summary>
    public double LearningRate { get; set; }

    /// <summary>Loss of the last step's batch; NaN before the first.</summary>
    public double Loss { get; set; } = double.NaN;

    /// <summary>Updates that the moments of each saved snapshot have seen.</summary>
    public Dictionary<string, long> MomentSteps { get; set; } = [];

    /// <summary>Whether a measurement is due before the next step.</summary>
    public bool MeasurementDue { get; set; } = true;

    /// <summary>Factor of the learning rate, lowered by each roll-back.</summary>
    public double RateFactor { get; set; } = 1;

    /// <summary>Measurements in a row that were worse than the start.</summary>
    public int WorseThanStart { get; set; }

    /// <summary>Steps without an update.</summary>
    public int Skipped { get; set; }

    /// <summary>Those of them in a row.</summary>
    public int SkippedInARow { get; set; }

    /// <summary>Roll-backs.</summary>
    public int Rollbacks { get; set; }

    /// <summary>Measurements in a row without a new best.</summary>
    public int WithoutNewBest { get; set; }

    /// <summary>Why the run stopped early.</summary>
    public string? WhyStopped { get; set; }

    /// <summary>Held-out loss before the first step.</summary>
    public double? InitialLoss { get; set; }

    /// <summary>The lowest held-out loss of weights that may be the result.</summary>
    public double? BestLoss { get; set; }

    /// <summary>Steps after which it was reached.</summary>
    public int BestStep { get; set; }

    /// <summary>Watches the loss of the batches.</summary>
    public LossMonitor Losses { get; set; } = new();

    /// <summary>The loss curve.</summary>
    public List<TrainingPoint> Curve { get; set; } = [];
}
