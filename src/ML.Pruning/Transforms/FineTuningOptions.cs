using ML.Pruning.Recovery;

namespace ML.Pruning.Transforms;

/// <summary>What the stages that train a model have in common: columns, progress, cancellation.</summary>
public abstract class FineTuningOptions
{
    private protected FineTuningOptions()
    {
    }

    /// <summary>Column for the trained model.</summary>
    public string OutputColumnName = "Model";

    /// <summary>Column with the model to train; null = the same as <see cref="OutputColumnName"/>.</summary>
    public string? InputColumnName;

    /// <summary>Text column to train on, one document a row; or the prompts, when <see cref="ResponseColumnName"/> has
    /// their answers.</summary>
    public string TextColumnName = "Text";

    /// <summary>Text column with the answers to the prompts, which alone are learned; null = there are none.</summary>
    public string? ResponseColumnName;

    /// <summary>Text column with the labels of the texts, by name or number, for an encoder that tells labels apart;
    /// null = there are none.</summary>
    public string? LabelColumnName;

    /// <summary>Told at the start and after each step.</summary>
    public IProgress<TrainingProgress>? Progress;

    /// <summary>Stops between batches. Nothing is left behind but the state in
    /// <see cref="TrainingOptions.CheckpointFolder"/>, if one is given.</summary>
    public CancellationToken CancellationToken;
}
