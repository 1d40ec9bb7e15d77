namespace ML.Pruning.Kernels;

/// <summary>The packer of the native library.</summary>
internal sealed unsafe class NativePacker(PackedShape shape) : IMatrixPacker
{
    private readonly NativeKernels.PackerHandle _handle = NativeKernels.PackerHandle.Create(shape);

    public long Bytes
    {
        get
        {
            NativeKernels.Check(NativeKernels.mlp_packer_size(_handle, out long bytes));
            return bytes;
        }
    }

    public void Add(ReadOnlySpan<float> weights, int count, ReadOnlySpan<float> scales)
    {
        fixed (float* from = weights, of = scales)
            NativeKernels.Check(NativeKernels.mlp_packer_add(_handle, from, count, shape.Columns, of));
    }

    public void Write(byte* blob, long bytes) =>
        NativeKernels.Check(NativeKernels.mlp_packer_write(_handle, blob, bytes));

    public void Dispose() => _handle.Dispose();
}
