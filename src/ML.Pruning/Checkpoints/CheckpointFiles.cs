using System.Text.Json.Nodes;

namespace ML.Pruning.Checkpoints;

/// <summary>The safetensors files of one model: a single file, or the shards that an index names.</summary>
/// <remarks>Reads nothing outside the folder but what links inside it point to. Reads are thread-safe; tensors throw
/// <see cref="ObjectDisposedException"/> after <see cref="Dispose"/> unless someone else holds a reference on their
/// file.</remarks>
public sealed class CheckpointFiles : IDisposable
{
    /// <summary>The name of a single weight file.</summary>
    public const string SingleName = "model.safetensors";

    /// <summary>The name of the index over several weight files.</summary>
    public const string IndexName = "model.safetensors.index.json";

    private const long MaxIndexBytes = 100_000_000;

    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, MappedTensor> _tensors = new(StringComparer.Ordinal);
    private bool _disposed;

    private CheckpointFiles(string folder) => Folder = folder;

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The open files; a single one or the shards in the order of their names.</summary>
    public IReadOnlyList<SafetensorsFile> Files => _files;

    /// <summary>The tensors of all files by name.</summary>
    public IReadOnlyDictionary<string, MappedTensor> Tensors => _tensors;

    /// <summary>Opens <c>model.safetensors</c>, or else all shards of <c>model.safetensors.index.json</c>.</summary>
    /// <param name="folder">The folder of the model.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">It has no weights, or a shard is missing.</exception>
    /// <exception cref="CheckpointFormatException">A file breaks a rule, the index does not agree with the shards, or
    /// there are only pickled weights.</exception>
    public static CheckpointFiles OpenFolder(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"The folder {Show.Quote(folder)} does not exist.");
        var opened = new CheckpointFiles(folder);
        bool complete = false;
        try
        {
            string single = Path.Combine(folder, SingleName);
            string index = Path.Combine(folder, IndexName);
            if (File.Exists(single))
                opened.Add(single);
            else if (File.Exists(index))
                opened.AddShards(index);
            else
                throw NoWeights(folder);
            complete = true;
            return opened;
        }
        finally
        {
            if (!complete)
                opened.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        foreach (SafetensorsFile file in _files)
            file.Dispose();
    }

    private void AddShards(string indexPath)
    {
        JsonObject index = BoundedFile.ParseObject(
            indexPath, BoundedFile.ReadAllBytes(indexPath, MaxIndexBytes));
        if (index["weight_map"] is not JsonObject map || map.Count == 0)
            throw new CheckpointFormatException($"{Show.Quote(indexPath)} has no weight_map with entries.");
        var shardOf = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((string tensor, JsonNode? value) in map)
        {
            string? shard = value is JsonValue v && v.TryGetValue(out string? text) ? text : null;
            if (shard is null || !PlainName.IsValid(shard))
            {
                throw new CheckpointFormatException($"{Show.Quote(indexPath)}: tensor {Show.Quote(tensor)} is mapped "
                    + $"to {Show.Quote(value?.ToJsonString() ?? "null")}, which is not a plain file name.");
            }
            shardOf.Add(tensor, shard);
        }
        foreach (string shard in shardOf.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            string path = Path.Combine(Folder, shard);
            if (!File.Exists(path))
            {
                throw new FileNotFoundException($"{Show.Quote(indexPath)} names the shard {Show.Quote(shard)}, which "
                    + "is not in the folder; download it again.", path);
            }
            Add(path);
        }
        foreach ((string tensor, string shard) in shardOf)
        {
            if (!_tensors.TryGetValue(tensor, out MappedTensor? found) || Path.GetFileName(found.File.Path) != shard)
            {
                throw new CheckpointFormatException($"{Show.Quote(indexPath)} places tensor {Show.Quote(tensor)} in "
                    + $"{Show.Quote(shard)}, but it is not there.");
            }
        }
    }

    private void Add(string path)
    {
        SafetensorsFile file = SafetensorsFile.Open(path);
        _files.Add(file);
        foreach ((string name, MappedTensor tensor) in file.Tensors)
        {
            if (_tensors.TryAdd(name, tensor))
                continue;
            throw new CheckpointFormatException($"Tensor {Show.Quote(name)} stands in {Show.Quote(path)} and in "
                + $"{Show.Quote(_tensors[name].File.Path)}; it may stand in one file only.");
        }
    }

    private static Exception NoWeights(string folder)
    {
        string[] names = [.. Directory.EnumerateFiles(folder).Select(f => Path.GetFileName(f)).Order()];
        string expected = $"neither {SingleName} nor {IndexName}";
        string? pickle = names.FirstOrDefault(n => n.EndsWith(".bin", StringComparison.OrdinalIgnoreCase)
            || n.EndsWith(".pt", StringComparison.OrdinalIgnoreCase)
            || n.EndsWith(".pth", StringComparison.OrdinalIgnoreCase)
            || n.EndsWith(".bin.index.json", StringComparison.OrdinalIgnoreCase));
        if (pickle is not null)
        {
            return new CheckpointFormatException($"The folder {Show.Quote(folder)} has {expected}, but "
                + $"{Show.Quote(pickle)}: pickled weights can run code and are not read. Convert the model to "
                + "safetensors.");
        }
        string? other = names.FirstOrDefault(n => n.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase));
        string hint = other is null ? "" : $" Rename {Show.Quote(other)} to {SingleName} if it is the model.";
        return new FileNotFoundException($"The folder {Show.Quote(folder)} has {expected}.{hint}");
    }
}
