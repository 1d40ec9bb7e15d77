using System.IO.Compression;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

internal sealed class RepositoryReader : Repository
{
    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = [];
    private readonly Dictionary<string, string> _extracted = [];

    private RepositoryReader(ZipArchive archive, IReadOnlyList<ZipArchiveEntry> entries, IExceptionContext ectx)
        : base(ectx)
    {
        _archive = archive;
        foreach (ZipArchiveEntry entry in entries) _entries[Normalize(entry.FullName)] = entry;
    }

    /// <exception cref="FormatException">The stream is not a zip archive, or its directory is damaged.</exception>
    public static RepositoryReader Open(Stream stream, IExceptionContext ectx = null)
    {
        Contracts.CheckValue(ectx, stream, nameof(stream));
        try
        {
            var archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            return new RepositoryReader(archive, archive.Entries, ectx);
        }
        catch (Exception ex) when (ex is InvalidDataException or EndOfStreamException)
        {
            throw ectx.ExceptDecode("Failed to open a zip archive", ex);
        }
    }

    public Entry OpenEntryOrNull(string dir, string name)
    {
        string path = EntryPath(dir, name);
        if (!_extracted.TryGetValue(path, out string file))
        {
            if (!_entries.TryGetValue(path, out ZipArchiveEntry entry)) return null;
            file = NewTempFile();
            entry.ExtractToFile(file);
            _extracted.Add(path, file);
        }
        return Open(path, new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read));
    }

    protected override void OnDispose(Entry entry) => entry.Stream.Dispose();

    protected override void DisposeCore() => _archive.Dispose();
}
