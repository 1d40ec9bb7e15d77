using Microsoft.ML;
using Microsoft.ML.Runtime;
using Microsoft.Win32.SafeHandles;
using ML.Pruning.Export.Onnx.Rewriting;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>An ONNX file and the files with its data, kept for a zip.</summary>
/// <remarks>The ONNX file is held in memory, the others are held open, so that they may be deleted. Not thread-safe.
/// </remarks>
internal sealed class OnnxModelFiles : IDisposable
{
    private const string ModelEntry = "model.onnx";
    private readonly byte[] _model;
    private readonly string? _whyNotKept;
    private readonly List<(string Name, SafeFileHandle File, long Length, DateTime Written)> _data = [];
    private DirectoryInfo? _temporary;

    /// <summary>Takes hold of the files.</summary>
    /// <param name="path">The ONNX file.</param>
    /// <exception cref="IOException">One cannot be read.</exception>
    public OnnxModelFiles(string path)
    {
        ModelFile = path;
        _model = File.ReadAllBytes(path);
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        try
        {
            foreach (string name in new OnnxGraphFile(path).DataFiles())
            {
                SafeFileHandle file = File.OpenHandle(PathOf(folder, name), share: FileShare.Read | FileShare.Delete);
                _data.Add((name, file, RandomAccess.GetLength(file), File.GetLastWriteTimeUtc(file)));
            }
        }
        catch (ModelFormatException e)
        {
            _whyNotKept = e.Message;
        }
    }

    /// <summary>The ONNX file.</summary>
    public string ModelFile { get; }

    /// <summary>The places of the files with data in its folder.</summary>
    public string[] DataNames => [.. _data.Select(file => file.Name)];

    /// <summary>Writes the files out of a zip into a folder for as long as they are needed.</summary>
    /// <param name="ctx">The stage in the zip.</param>
    /// <param name="folder">The folder for temporary files.</param>
    /// <param name="dataNames">What <see cref="DataNames"/> was.</param>
    /// <returns>The files; <see cref="Release"/> them once the model is open.</returns>
    /// <exception cref="FormatException">The zip does not have them.</exception>
    public static OnnxModelFiles Load(ModelLoadContext ctx, string folder, IReadOnlyList<string> dataNames)
    {
        DirectoryInfo own = Directory.CreateDirectory(Path.Combine(folder, $"{Guid.NewGuid():N}"));
        bool isLoaded = false;
        try
        {
            Extract(ctx, ModelEntry, Path.Combine(own.FullName, ModelEntry));
            for (int i = 0; i < dataNames.Count; i++)
            {
                string path = PathOf(own.FullName, dataNames[i]);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                Extract(ctx, DataEntry(i), path);
            }

            var files = new OnnxModelFiles(Path.Combine(own.FullName, ModelEntry)) { _temporary = own };
            isLoaded = true;
            return files;
        }
        catch (ModelFormatException e)
        {
            throw new FormatException($"The stage's ONNX model cannot be read: {e.Message}", e);
        }
        finally
        {
            if (!isLoaded) own.Delete(recursive: true);
        }
    }

    /// <summary>Puts the files into a zip.</summary>
    /// <param name="ctx">The stage in the zip.</param>
    /// <exception cref="NotSupportedException">It is not known which files there are.</exception>
    /// <exception cref="InvalidOperationException">A file has changed since the stage was made.</exception>
    public void Save(ModelSaveContext ctx)
    {
        if (_whyNotKept is not null)
        {
            throw new NotSupportedException($"The stage cannot be saved, because it is not known which files its model "
                + $"'{ModelFile}' is made of: {_whyNotKept}");
        }

        MLNetInternals.SaveEntry(ctx, ModelEntry, stream => stream.Write(_model));
        for (int i = 0; i < _data.Count; i++)
        {
            (string name, SafeFileHandle file, long length, DateTime written) = _data[i];
            if (RandomAccess.GetLength(file) != length || File.GetLastWriteTimeUtc(file) != written)
            {
                throw new InvalidOperationException($"The data '{name}' of the ONNX model '{ModelFile}' has changed "
                    + "since the stage was made; make the stage again before it is saved.");
            }

            MLNetInternals.SaveEntry(ctx, DataEntry(i), stream => Copy(file, length, stream));
        }
    }

    /// <summary>Deletes the names of temporary files where the system allows that while they are open.</summary>
    public void Release()
    {
        if (!OperatingSystem.IsWindows() || _data.Count == 0) DeleteTemporary();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((_, SafeFileHandle file, _, _) in _data) file.Dispose();
        DeleteTemporary();
    }

    private static string DataEntry(int place) => $"model.onnx.data{place}";

    // Inside of the folder, since names come out of files.
    private static string PathOf(string folder, string name)
    {
        string path = Path.GetFullPath(Path.Combine(folder, name));
        return name.Length > 0 && path.StartsWith(Path.GetFullPath(folder) + Path.DirectorySeparatorChar,
            StringComparison.Ordinal) ? path : throw new ModelFormatException(
                $"Its data should lie in '{name}', which is no file in the model's folder.");
    }

    private static void Extract(ModelLoadContext ctx, string entry, string path)
    {
        using FileStream file = File.Create(path);
        if (!MLNetInternals.TryLoadEntry(ctx, entry, stream => stream.CopyTo(file)))
            throw new FormatException($"The stage lacks the entry '{entry}' of its ONNX model.");
    }

    private static void Copy(SafeFileHandle file, long length, Stream destination)
    {
        var piece = new byte[1 << 20];
        for (long at = 0; at < length;)
        {
            int count = RandomAccess.Read(file, piece, at);
            if (count == 0) throw new EndOfStreamException("The data of an ONNX model ends too early.");
            destination.Write(piece, 0, count);
            at += count;
        }
    }

    private void DeleteTemporary()
    {
        _temporary?.Delete(recursive: true);
        _temporary = null;
    }
}
