namespace ML.Pruning.Checkpoints;

/// <summary>A folder that appears whole or not at all: filled beside its place, then renamed.</summary>
/// <remarks>Not thread-safe. Disposing without <see cref="Commit"/> removes what was written.</remarks>
public sealed class OutputFolder : IDisposable
{
    // An existing folder is replaced only if it holds one of these: a mistyped path must not cost a home folder.
    private static readonly string[] s_modelMarks =
        ["config.json", "adapter_config.json", CheckpointFiles.SingleName, "model.onnx"];

    private readonly string _path;
    private bool _done;

    /// <summary>Starts a folder.</summary>
    /// <param name="path">Where it will appear. An empty folder there is replaced.</param>
    /// <param name="overwrite">Whether a folder with a model in it may be replaced.</param>
    /// <exception cref="ArgumentException">The path is the root of a drive.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder around it does not exist.</exception>
    /// <exception cref="IOException">Something is there that may not be replaced.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder around it is not writable.</exception>
    public OutputFolder(string path, bool overwrite = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        string parent = Path.GetDirectoryName(_path)
            ?? throw new ArgumentException($"{Show.Quote(path)} is a root; name a folder inside it.", nameof(path));
        if (!Directory.Exists(parent))
            throw new DirectoryNotFoundException($"The folder {Show.Quote(parent)} does not exist; create it first.");
        CheckTarget(_path, overwrite);
        TemporaryPath = Path.Combine(parent, AtomicFile.TemporaryName(Path.GetFileName(_path)));
        try
        {
            Directory.CreateDirectory(TemporaryPath);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UnauthorizedAccessException($"The folder {Show.Quote(parent)} is not writable.", e);
        }
    }

    /// <summary>The folder to write into until the commit.</summary>
    public string TemporaryPath { get; }

    /// <summary>The path of a file to write until the commit.</summary>
    /// <param name="fileName">A plain name without separators.</param>
    /// <exception cref="ArgumentException">The name would lead elsewhere.</exception>
    public string PathOf(string fileName)
    {
        ArgumentNullException.ThrowIfNull(fileName);
        if (!PlainName.IsValid(fileName))
            throw new ArgumentException($"{Show.Quote(fileName)} is not a plain file name.", nameof(fileName));
        return Path.Combine(TemporaryPath, fileName);
    }

    /// <summary>Gives the folder its name; a folder that was there before is gone afterwards.</summary>
    /// <remarks>The old folder is renamed aside, the new one renamed into place, then the old one deleted. If the
    /// second step fails, the old folder gets its name back.</remarks>
    /// <exception cref="IOException">The name cannot be taken.</exception>
    public void Commit()
    {
        ObjectDisposedException.ThrowIf(_done, this);
        string? aside = null;
        if (Directory.Exists(_path))
        {
            aside = TemporaryPath + "-old";
            Directory.Move(_path, aside);
        }
        try
        {
            Directory.Move(TemporaryPath, _path);
            _done = true;
        }
        finally
        {
            if (aside is not null && !_done)
                Directory.Move(aside, _path);
        }
        if (aside is not null)
            Directory.Delete(aside, recursive: true);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_done)
            return;
        _done = true;
        if (Directory.Exists(TemporaryPath))
            Directory.Delete(TemporaryPath, recursive: true);
    }

    private static void CheckTarget(string path, bool overwrite)
    {
        if (File.Exists(path))
            throw new IOException($"{Show.Quote(path)} is a file; choose another folder.");
        if (!Directory.Exists(path) || !Directory.EnumerateFileSystemEntries(path).Any())
            return;
        if (!overwrite)
        {
            throw new IOException(
                $"The folder {Show.Quote(path)} is not empty; choose another one or allow overwriting.");
        }
        if (!s_modelMarks.Any(mark => File.Exists(Path.Combine(path, mark))))
        {
            throw new IOException($"The folder {Show.Quote(path)} holds none of {string.Join(", ", s_modelMarks)}, so "
                + "it is no model and is not overwritten; delete it yourself or choose another one.");
        }
    }
}
