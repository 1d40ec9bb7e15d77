using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace ML.Pruning.Checkpoints;

/// <summary>A whole file, memory-mapped for reading.</summary>
/// <remarks>Every read holds a reference on the view's handle, so a read that runs while another thread disposes ends
/// well and a later one throws. Without Dispose the view's own finalizer unmaps it.</remarks>
internal sealed class MappedFile : IDisposable
{
    private readonly FileStream _stream;
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly long _viewOffset;

    private MappedFile(string path, long length, FileStream stream, MemoryMappedFile? file)
    {
        _stream = stream;
        Path = path;
        Length = length;
        _file = file;
        _view = file?.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        _viewOffset = _view?.PointerOffset ?? 0;
    }

    /// <summary>The path as given.</summary>
    public string Path { get; }

    /// <summary>Bytes of the file.</summary>
    public long Length { get; }

    /// <summary>Maps a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="deleteOnClose">Whether the file goes away with the mapping: its name at once where the system
    /// allows that, else when the last handle is closed, which the system also does for a killed process.</param>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static MappedFile Open(string path, bool deleteOnClose)
    {
        FileOptions options = deleteOnClose && OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : 0;
        FileShare share = options == 0 ? FileShare.Read : FileShare.Read | FileShare.Delete;
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, share, bufferSize: 1, options);
        MemoryMappedFile? file = null;
        MappedFile? mapped = null;
        try
        {
            long length = stream.Length;
            file = length == 0 ? null : MemoryMappedFile.CreateFromFile(
                stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            mapped = new MappedFile(path, length, stream, file);
            return mapped;
        }
        finally
        {
            if (mapped is null)
            {
                file?.Dispose();
                stream.Dispose();
            }
            if (deleteOnClose && !OperatingSystem.IsWindows())
                File.Delete(path);
        }
    }

    /// <summary>Copies bytes; the range must be inside the file.</summary>
    /// <exception cref="ObjectDisposedException">The mapping was closed.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        using Lease lease = Borrow(offset, destination.Length);
        lease.Bytes.CopyTo(destination);
    }

    /// <summary>Gives bytes in place; they stay valid until the lease is disposed.</summary>
    /// <exception cref="ObjectDisposedException">The mapping was closed.</exception>
    public Lease Borrow(long offset, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - count);
        return new Lease(_view?.SafeMemoryMappedViewHandle, Path, _viewOffset + offset, count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _view?.Dispose();
        _file?.Dispose();
        _stream.Dispose();
    }

    /// <summary>Mapped bytes, kept mapped until disposed.</summary>
    public readonly unsafe ref struct Lease
    {
        private readonly SafeMemoryMappedViewHandle? _handle;

        internal Lease(SafeMemoryMappedViewHandle? handle, string path, long offset, int count)
        {
            if (handle is null)
                return;
            byte* start = null;
            try
            {
                handle.AcquirePointer(ref start);
            }
            catch (ObjectDisposedException)
            {
                throw new ObjectDisposedException(path, $"The file {Show.Quote(path)} behind this tensor was closed.");
            }
            _handle = handle;
            Bytes = new ReadOnlySpan<byte>(start + offset, count);
        }

        /// <summary>The bytes.</summary>
        public ReadOnlySpan<byte> Bytes { get; }

        /// <summary>Lets the mapping go.</summary>
        public void Dispose() => _handle?.ReleasePointer();
    }
}
