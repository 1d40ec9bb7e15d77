using System.Text;
using System.Text.Json;

namespace ML.Pruning.Checkpoints;

/// <summary>Writes a model as a folder of Hugging Face's layout.</summary>
/// <remarks>Thread-safe. The folder appears whole or not at all.</remarks>
public static class HuggingFaceFolderWriter
{
    /// <summary>The most bytes of data in one weight file unless told otherwise: 5 GB.</summary>
    public const long DefaultShardBytes = 5_000_000_000;

    // transformers refuses weights without it.
    private static readonly Dictionary<string, string> s_metadata = new() { ["format"] = "pt" };

    /// <summary>Writes a folder: config.json, weights, side files.</summary>
    /// <param name="path">The folder; missing or empty, or a model if <paramref name="overwrite"/> is set.</param>
    /// <param name="configJson">The text of config.json.</param>
    /// <param name="tensors">The tensors in the order of the files; names are unique.</param>
    /// <param name="sideFiles">More files by plain name, or null.</param>
    /// <param name="overwrite">Whether an existing model there is replaced.</param>
    /// <param name="maxShardBytes">The most bytes of data in one weight file; a larger tensor has a file of its own. At
    /// least 1.</param>
    /// <param name="cancellationToken">Checked before each piece.</param>
    /// <exception cref="ArgumentException">Two tensors have the same name, or a side file's name is not plain or
    /// taken.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder around it does not exist.</exception>
    /// <exception cref="IOException">Something is there already, or writing failed.</exception>
    /// <exception cref="OperationCanceledException">Cancellation was asked for; nothing is left behind.</exception>
    public static void Write(
        string path,
        string configJson,
        IReadOnlyList<StoredTensor> tensors,
        IReadOnlyDictionary<string, byte[]>? sideFiles = null,
        bool overwrite = false,
        long maxShardBytes = DefaultShardBytes,
        CancellationToken cancellationToken = default)
    {
        using var folder = new OutputFolder(path, overwrite);
        WriteInto(folder, configJson, tensors, sideFiles, maxShardBytes, cancellationToken);
        folder.Commit();
    }

    /// <summary>Writes the same files into a folder that the caller commits.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="configJson">The text of config.json.</param>
    /// <param name="tensors">The tensors in the order of the files; names are unique.</param>
    /// <param name="sideFiles">More files by plain name, or null.</param>
    /// <param name="maxShardBytes">The most bytes of data in one weight file. At least 1.</param>
    /// <param name="cancellationToken">Checked before each piece.</param>
    /// <exception cref="ArgumentException">As for <see cref="Write"/>.</exception>
    /// <exception cref="IOException">Writing failed.</exception>
    /// <exception cref="OperationCanceledException">Cancellation was asked for.</exception>
    public static void WriteInto(
        OutputFolder folder,
        string configJson,
        IReadOnlyList<StoredTensor> tensors,
        IReadOnlyDictionary<string, byte[]>? sideFiles = null,
        long maxShardBytes = DefaultShardBytes,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(configJson);
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxShardBytes, 1);
        WriteNew(folder, HuggingFaceFolder.ConfigName, Encoding.UTF8.GetBytes(configJson));
        WriteWeights(folder, tensors, maxShardBytes, cancellationToken);
        if (sideFiles is null)
            return;
        foreach ((string name, byte[] content) in sideFiles)
        {
            cancellationToken.ThrowIfCancellationRequested();
            WriteNew(folder, name, content);
        }
    }

    private static void WriteWeights(
        OutputFolder folder, IReadOnlyList<StoredTensor> tensors, long maxShardBytes, CancellationToken token)
    {
        string? taken = tensors.GroupBy(t => t.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.Key;
        if (taken is not null)
            throw new ArgumentException($"The tensor name {Show.Quote(taken)} is taken.", nameof(tensors));
        List<List<StoredTensor>> shards = Split(tensors, maxShardBytes);
        if (shards.Count <= 1)
        {
            SafetensorsWriter.Write(folder.PathOf(CheckpointFiles.SingleName), tensors, s_metadata, token);
            return;
        }
        string[] names = [.. Enumerable.Range(1, shards.Count)
            .Select(i => $"model-{i:D5}-of-{shards.Count:D5}.safetensors")];
        for (int i = 0; i < shards.Count; i++)
            SafetensorsWriter.Write(folder.PathOf(names[i]), shards[i], s_metadata, token);
        WriteNew(folder, CheckpointFiles.IndexName, Index(shards, names));
    }

    private static List<List<StoredTensor>> Split(IReadOnlyList<StoredTensor> tensors, long maxShardBytes)
    {
        var shards = new List<List<StoredTensor>>();
        long room = 0;
        foreach (StoredTensor tensor in tensors)
        {
            if (shards.Count == 0 || tensor.ByteLength > room)
            {
                shards.Add([]);
                room = maxShardBytes;
            }
            shards[^1].Add(tensor);
            room -= Math.Min(room, tensor.ByteLength);
        }
        return shards;
    }

    private static byte[] Index(List<List<StoredTensor>> shards, string[] names)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteNumber("total_size", shards.Sum(s => s.Sum(t => t.ByteLength)));
            json.WriteEndObject();
            json.WriteStartObject("weight_map");
            for (int i = 0; i < shards.Count; i++)
            {
                foreach (StoredTensor tensor in shards[i])
                    json.WriteString(tensor.Name, names[i]);
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    private static void WriteNew(OutputFolder folder, string name, ReadOnlySpan<byte> content)
    {
        string path = folder.PathOf(name);
        if (File.Exists(path))
            throw new ArgumentException($"The file {Show.Quote(name)} is one of the model's own.", nameof(name));
        AtomicFile.WriteAllBytes(path, content, overwrite: false);
    }
}
