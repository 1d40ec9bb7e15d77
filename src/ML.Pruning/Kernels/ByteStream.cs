using System.Runtime.InteropServices;

namespace ML.Pruning.Kernels;

/// <summary>Bytes that grow at the end.</summary>
internal sealed class ByteStream
{
    private byte[] _bytes = [];

    public long Length { get; private set; }

    public ref byte this[long at] => ref _bytes[at];

    public void Put<T>(T value)
        where T : unmanaged => Put<T>([value]);

    public void Put<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values);
        bytes.CopyTo(Grow(Length + bytes.Length));
    }

    /// <summary>Adds zeros up to a multiple of `multiple`.</summary>
    public void PadTo(int multiple) => PadTo(Length, multiple);

    /// <summary>Adds zeros until there are at least so many bytes, a multiple of `multiple`.</summary>
    public void PadTo(long length, int multiple) =>
        Grow(Math.Max(Length, (length + multiple - 1) / multiple * multiple)).Clear();

    public void CopyTo(Span<byte> destination) => _bytes.AsSpan(0, (int)Length).CopyTo(destination);

    // The added bytes.
    private Span<byte> Grow(long length)
    {
        int was = (int)Length;
        if (length > _bytes.Length)
            Array.Resize(ref _bytes, (int)Math.Min(Math.Max(length, 2L * _bytes.Length), Array.MaxLength));
        Length = length;
        return _bytes.AsSpan(was, (int)(length - was));
    }
}
