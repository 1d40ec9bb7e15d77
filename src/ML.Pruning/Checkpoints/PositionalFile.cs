using Microsoft.Win32.SafeHandles;

namespace ML.Pruning.Checkpoints;

/// <summary>An open file, read at any position by any number of threads.</summary>
/// <remarks>Every read holds a reference on the handle, so one that runs while another thread disposes ends well and a
/// later one throws. Without Dispose the handle's own finalizer closes the file. Reads are positional reads, not a
/// memory mapping: every read copies anyway, pages of a mapping would count as memory of the process, and a file that
/// someone cuts short, or a failing disk, gives an exception instead of ending the process.</remarks>
internal sealed class PositionalFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    private PositionalFile(string path, SafeFileHandle handle)
    {
        Path = path;
        _handle = handle;
        Length = RandomAccess.GetLength(handle);
    }

    /// <summary>The path as given.</summary>
    public string Path { get; }

    /// <summary>Bytes of the file when it was opened.</summary>
    public long Length { get; }

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="deleteOnClose">Whether the file goes away when it is closed: its name at once where the system
    /// allows that, else with the last handle, which the system also closes for a killed process.</param>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read, or is a folder.</exception>
    public static PositionalFile Open(string path, bool deleteOnClose)
    {
        FileOptions options = deleteOnClose && OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : 0;
        SafeFileHandle handle = File.OpenHandle(
            path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, options);
        PositionalFile? file = null;
        try
        {
            file = new PositionalFile(path, handle);
            if (deleteOnClose && !OperatingSystem.IsWindows())
                File.Delete(path);
            return file;
        }
        finally
        {
            if (file is null)
                handle.Dispose();
        }
    }

    /// <summary>Copies bytes; the range must be inside the file.</summary>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    /// <exception cref="IOException">The file was cut short since it was opened, or cannot be read.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        while (destination.Length > 0)
        {
            int count = RandomAccess.Read(_handle, destination, offset);
            if (count == 0)
                throw new IOException($"The file {Show.Quote(Path)} was cut short while it was in use.");
            destination = destination[count..];
            offset += count;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
