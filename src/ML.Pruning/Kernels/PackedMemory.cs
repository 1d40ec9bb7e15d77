using System.Runtime.InteropServices;

namespace ML.Pruning.Kernels;

/// <summary>Memory for one packed matrix, aligned to 64 bytes, outside of the garbage collector's heap.</summary>
internal sealed unsafe class PackedMemory : SafeHandle
{
    private PackedMemory(nint memory, long length)
        : base(0, ownsHandle: true)
    {
        handle = memory;
        Length = length;
        GC.AddMemoryPressure(length);
    }

    public override bool IsInvalid => handle == 0;

    public long Length { get; }

    public byte* Pointer => (byte*)handle;

    /// <summary>The bytes; only while somebody holds the memory.</summary>
    /// <exception cref="NotSupportedException">There are more than 2 GiB.</exception>
    public ReadOnlySpan<byte> Span => Length <= int.MaxValue
        ? new ReadOnlySpan<byte>(Pointer, (int)Length)
        : throw new NotSupportedException($"A packed matrix of {Length} bytes needs the native library; C# takes 2 "
            + "GiB.");

    public static PackedMemory Allocate(long bytes) =>
        new((nint)NativeMemory.AlignedAlloc(checked((nuint)bytes), PackedLayout.Alignment), bytes);

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        GC.RemoveMemoryPressure(Length);
        return true;
    }
}
