using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>A zip archive whose open entries are seekable files in a temporary folder of their own.</summary>
internal abstract class Repository : IDisposable
{
    private readonly List<Entry> _open = [];
    private readonly string _directory;

    private protected Repository(IExceptionContext ectx)
    {
        ExceptionContext = ectx;
        string parent = (ectx as IHostEnvironmentInternal)?.TempFilePath ?? Path.GetTempPath();
        _directory = Path.Combine(Path.GetFullPath(parent), $"ml_dotnet_{Path.GetRandomFileName()}");
        Directory.CreateDirectory(_directory);
    }

    public IExceptionContext ExceptionContext { get; }

    protected bool Disposed { get; private set; }

    public void Dispose()
    {
        if (Disposed) return;
        Disposed = true;
        try
        {
            DisposeAllEntries();
            DisposeCore();
        }
        finally
        {
            Directory.Delete(_directory, true);
        }
    }

    protected abstract void DisposeCore();

    protected abstract void OnDispose(Entry entry);

    /// <summary>The name of an entry in the archive; never of a file, so no archive can say where to write.</summary>
    protected string EntryPath(string directory, string name)
    {
        ExceptionContext.Check(!Disposed);
        ExceptionContext.CheckParam(directory?.Contains("..") != true, nameof(directory));
        ExceptionContext.CheckParam(!string.IsNullOrWhiteSpace(name) && !name.Contains(".."), nameof(name));
        return Normalize(string.IsNullOrEmpty(directory) ? name : $"{directory}/{name}");
    }

    /// <summary>Archives written on Windows may have backslashes.</summary>
    protected static string Normalize(string path) => path.Replace('\\', '/');

    protected string NewTempFile() => Path.Combine(_directory, Path.GetRandomFileName());

    protected Entry Open(string path, FileStream stream)
    {
        var entry = new Entry(this, path, stream);
        _open.Add(entry);
        return entry;
    }

    protected void DisposeAllEntries()
    {
        while (_open.Count > 0) _open[^1].Dispose();
    }

    internal sealed class Entry : IDisposable
    {
        private Repository _repository;

        internal Entry(Repository repository, string path, FileStream stream)
        {
            _repository = repository;
            Path = path;
            Stream = stream;
        }

        public string Path { get; }

        public FileStream Stream { get; }

        /// <summary>Hands the stream back to the repository, which closes it.</summary>
        public void Dispose()
        {
            if (_repository == null) return;
            Repository repository = _repository;
            _repository = null;
            repository._open.Remove(this);
            repository.OnDispose(this);
        }
    }
}
