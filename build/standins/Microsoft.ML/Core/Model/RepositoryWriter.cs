using System.IO.Compression;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

internal sealed class RepositoryWriter : Repository
{
    /// <summary>The release whose format is written.</summary>
    private const string ProductVersion = "5.0.0";

    private readonly ZipArchive _archive;
    private readonly HashSet<string> _paths = [];
    private readonly Queue<Entry> _closed = [];

    private RepositoryWriter(Stream stream, IExceptionContext ectx) : base(ectx) =>
        _archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);

    public static RepositoryWriter CreateNew(Stream stream, IExceptionContext ectx = null)
    {
        Contracts.CheckValue(ectx, stream, nameof(stream));
        var repository = new RepositoryWriter(stream, ectx);
        using Entry entry = repository.CreateEntry("TrainingInfo", "Version.txt");
        using var writer = new StreamWriter(entry.Stream, leaveOpen: true);
        writer.WriteLine(ProductVersion);
        return repository;
    }

    public Entry CreateEntry(string dir, string name)
    {
        string path = EntryPath(dir, name);
        Flush();
        ExceptionContext.CheckParam(_paths.Add(path), nameof(name), $"Duplicate entry: '{path}'");
        return Open(path, new FileStream(NewTempFile(), FileMode.CreateNew));
    }

    /// <summary>Signals that the writing succeeded; disposing without it leaves the last entries out.</summary>
    public void Commit()
    {
        ExceptionContext.Check(!Disposed);
        DisposeAllEntries();
        Flush();
        Dispose();
    }

    /// <summary>Compressing may throw and disposing must not, so this waits for the next entry or for Commit.</summary>
    protected override void OnDispose(Entry entry) => _closed.Enqueue(entry);

    protected override void DisposeCore()
    {
        foreach (Entry entry in _closed) entry.Stream.Dispose();
        _archive.Dispose();
    }

    private void Flush()
    {
        while (_closed.TryDequeue(out Entry entry))
        {
            using (FileStream source = entry.Stream)
            using (Stream target = _archive.CreateEntry(entry.Path).Open())
            {
                source.Position = 0;
                source.CopyTo(target);
            }
            File.Delete(entry.Stream.Name);
        }
    }
}
