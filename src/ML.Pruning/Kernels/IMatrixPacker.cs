namespace ML.Pruning.Kernels;

/// <summary>Packs a matrix, some rows at a time.</summary>
internal unsafe interface IMatrixPacker : IDisposable
{
    /// <summary>The next rows: a multiple of 16, or what is left.</summary>
    void Add(ReadOnlySpan<float> weights, int count, ReadOnlySpan<float> scales);

    /// <summary>The size, once all rows are in.</summary>
    long Bytes { get; }

    /// <summary>Writes the packed matrix.</summary>
    void Write(byte* blob, long bytes);
}
