using Microsoft.Win32.SafeHandles;

namespace ML.Pruning.Checkpoints;

/// <summary>A file for scratch data that has no name where the system allows that, and is gone when it is disposed or
/// the process ends.</summary>
internal sealed class TemporaryFile : IDisposable
{
    private readonly string _path;
    private readonly SafeFileHandle _handle;

    /// <summary>Makes the file.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="name">What it holds.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    public TemporaryFile(string folder, string name)
    {
        _path = Path.Combine(folder, AtomicFile.TemporaryName(name));
        _handle = File.OpenHandle(
            _path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, FileOptions.DeleteOnClose);
        if (!OperatingSystem.IsWindows()) File.Delete(_path);
    }

    /// <summary>Reads bytes that were written before.</summary>
    public void Read(long offset, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            int count = RandomAccess.Read(_handle, destination, offset);
            if (count == 0) throw new IOException($"The temporary file {Show.Quote(_path)} was cut short.");
            destination = destination[count..];
            offset += count;
        }
    }

    /// <summary>Writes bytes.</summary>
    /// <exception cref="IOException">The disk is full.</exception>
    public void Write(long offset, ReadOnlySpan<byte> source) => RandomAccess.Write(_handle, source, offset);

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
