namespace ML.Pruning.Calibration;

/// <summary>Where calibration activations are between two layers.</summary>
public enum CalibrationStorage
{
    /// <summary>In memory: windows x length x hidden size numbers.</summary>
    Memory,

    /// <summary>In a temporary file of that size.</summary>
    Disk,
}
