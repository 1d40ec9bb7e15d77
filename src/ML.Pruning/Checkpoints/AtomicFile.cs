namespace ML.Pruning.Checkpoints;

/// <summary>A file that appears whole or not at all: written beside its place, then renamed.</summary>
/// <remarks>Not thread-safe. Disposing without <see cref="Commit"/> removes what was written.</remarks>
public sealed class AtomicFile : IDisposable
{
    private readonly string _path;
    private readonly string _temporaryPath;
    private readonly bool _overwrite;
    private bool _done;

    /// <summary>Starts a file.</summary>
    /// <param name="path">Where it will appear; an existing file there stays as it is until the commit.</param>
    /// <param name="overwrite">Whether an existing file may be replaced.</param>
    /// <exception cref="ArgumentException">The path names no file.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="IOException">The file exists and may not be replaced, or cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is not writable.</exception>
    public AtomicFile(string path, bool overwrite = true)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _path = Path.GetFullPath(path);
        string name = Path.GetFileName(_path);
        if (name.Length == 0)
            throw new ArgumentException($"{Show.Quote(path)} names no file.", nameof(path));
        string folder = Path.GetDirectoryName(_path)!;
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"The folder {Show.Quote(folder)} does not exist; create it first.");
        if (Directory.Exists(_path))
            throw new IOException($"{Show.Quote(_path)} is a folder, so no file can be written there.");
        if (!overwrite && File.Exists(_path))
            throw new IOException($"{Show.Quote(_path)} exists already; choose another path or allow overwriting.");
        _overwrite = overwrite;
        _temporaryPath = Path.Combine(folder, TemporaryName(name));
        try
        {
            Stream = new FileStream(
                _temporaryPath, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize: 1 << 16);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UnauthorizedAccessException($"The folder {Show.Quote(folder)} is not writable.", e);
        }
    }

    /// <summary>What is written so far; seekable.</summary>
    public FileStream Stream { get; }

    /// <summary>Flushes to the disk and gives the file its name.</summary>
    /// <exception cref="IOException">The disk is full, or the name cannot be taken.</exception>
    public void Commit()
    {
        ObjectDisposedException.ThrowIf(_done, this);
        Stream.Flush(flushToDisk: true);
        Stream.Dispose();
        File.Move(_temporaryPath, _path, _overwrite);
        _done = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_done)
            return;
        _done = true;
        try
        {
            Stream.Dispose();
        }
        finally
        {
            File.Delete(_temporaryPath);
        }
    }

    /// <summary>Writes a file in one go.</summary>
    /// <param name="path">Where it will appear.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="overwrite">Whether an existing file may be replaced.</param>
    /// <inheritdoc cref="AtomicFile(string, bool)" path="/exception"/>
    public static void WriteAllBytes(string path, ReadOnlySpan<byte> content, bool overwrite = true)
    {
        using var file = new AtomicFile(path, overwrite);
        file.Stream.Write(content);
        file.Commit();
    }

    /// <summary>A hidden name beside <paramref name="name"/> that nothing else uses.</summary>
    internal static string TemporaryName(string name)
    {
        const int MostOfName = 100;
        string start = name.Length > MostOfName ? name[..MostOfName] : name;
        return $".{start}.tmp-{Guid.NewGuid():N}";
    }
}
