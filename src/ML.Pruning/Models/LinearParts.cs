namespace ML.Pruning.Models;

/// <summary>A set of the linear maps of a layer.</summary>
[Flags]
public enum LinearParts
{
    /// <summary>None of them.</summary>
    None = 0,

    /// <summary><see cref="TensorNames.Query"/>.</summary>
    Query = 1,

    /// <summary><see cref="TensorNames.Key"/>.</summary>
    Key = 2,

    /// <summary><see cref="TensorNames.Value"/>.</summary>
    Value = 4,

    /// <summary><see cref="TensorNames.Output"/>.</summary>
    Output = 8,

    /// <summary><see cref="TensorNames.Gate"/>.</summary>
    Gate = 16,

    /// <summary><see cref="TensorNames.Up"/>.</summary>
    Up = 32,

    /// <summary><see cref="TensorNames.Down"/>.</summary>
    Down = 64,
}
