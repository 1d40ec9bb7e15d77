namespace ML.Pruning.Checkpoints;

/// <summary>A tensor under another name.</summary>
public sealed class RenamedTensor : StoredTensor
{
    private readonly StoredTensor _source;

    /// <summary>Names a tensor anew.</summary>
    /// <param name="name">The new name.</param>
    /// <param name="source">The tensor.</param>
    public RenamedTensor(string name, StoredTensor source)
        : base(name, (source ?? throw new ArgumentNullException(nameof(source))).Type, source.Shape) =>
        _source = source is RenamedTensor renamed ? renamed._source : source;

    private protected override void ReadRaw(long byteOffset, Span<byte> destination) =>
        _source.ReadBytes(byteOffset, destination);

    private protected override void ReadElements(long start, Span<float> destination) =>
        _source.Read(start, destination);

}
