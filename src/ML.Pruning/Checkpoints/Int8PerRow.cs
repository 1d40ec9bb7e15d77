namespace ML.Pruning.Checkpoints;

/// <summary>Codes of 8 bits with one float32 scale a row.</summary>
public sealed record Int8PerRow : WeightGrid
{
    /// <inheritdoc/>
    public override int Bits => 8;

    /// <inheritdoc/>
    public override TensorType ScaleType => TensorType.F32;

    /// <inheritdoc/>
    public override int GroupColumns(int columns) => Math.Max(columns, 1);

    /// <inheritdoc/>
    public override string ToString() => "int8";

    private protected override long CodeBytes(int columns) => columns;
}
