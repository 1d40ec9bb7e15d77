using System.Text.Json.Nodes;

namespace ML.Pruning.Checkpoints;

/// <summary>A model in a folder of Hugging Face's layout: config.json, weights, tokenizer files.</summary>
/// <remarks>Thread-safe to read. Disposing closes the weight files.</remarks>
public sealed class HuggingFaceFolder : IDisposable
{
    /// <summary>The name of the file that describes the architecture.</summary>
    public const string ConfigName = "config.json";

    private const long MaxConfigBytes = 16 << 20;
    private const long MaxSideFileBytes = 256 << 20;

    private static readonly string[] s_sideFileNames =
    [
        "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json",
        "vocab.json", "vocab.txt", "merges.txt", "chat_template.jinja", "chat_template.json", "generation_config.json",
        "preprocessor_config.json", "mlpruning.json",
    ];

    private HuggingFaceFolder(
        string path,
        byte[] configBytes,
        JsonObject config,
        CheckpointFiles weights,
        IReadOnlyDictionary<string, StoredTensor> tensors,
        IReadOnlyDictionary<string, byte[]> sideFiles)
    {
        Path = path;
        ConfigBytes = configBytes;
        Config = config;
        Weights = weights;
        Tensors = tensors;
        SideFiles = sideFiles;
    }

    /// <summary>The names of the files, besides config.json and weights, that belong to a model.</summary>
    public static IReadOnlyList<string> SideFileNames => s_sideFileNames;

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>config.json as it stands.</summary>
    public ReadOnlyMemory<byte> ConfigBytes { get; }

    /// <summary>config.json parsed; do not change it.</summary>
    public JsonObject Config { get; }

    /// <summary>The weight files.</summary>
    public CheckpointFiles Weights { get; }

    /// <summary>The tensors by name as dense views: sparse-bitmask groups, and codes with scales, stand under their own
    /// name.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Tensors { get; }

    /// <summary>The side files that are there, by name.</summary>
    public IReadOnlyDictionary<string, byte[]> SideFiles { get; }

    /// <summary>Opens a folder.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">config.json, the weights or a shard is missing.</exception>
    /// <exception cref="CheckpointFormatException">A file breaks the rules of its format, or is too long.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static HuggingFaceFolder Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (File.Exists(path))
        {
            throw new DirectoryNotFoundException(
                $"{Show.Quote(path)} is a file; give the folder that holds {ConfigName} and the weights.");
        }
        if (!Directory.Exists(path))
            throw new DirectoryNotFoundException($"The folder {Show.Quote(path)} does not exist.");
        string configPath = System.IO.Path.Combine(path, ConfigName);
        byte[] configBytes = ReadConfigBytes(configPath);
        JsonObject config = BoundedFile.ParseObject(configPath, configBytes);
        Dictionary<string, byte[]> sideFiles = ReadSideFiles(path);
        CheckpointFiles weights = CheckpointFiles.OpenFolder(path);
        HuggingFaceFolder? folder = null;
        try
        {
            folder = new HuggingFaceFolder(
                path, configBytes, config, weights, CompressedCheckpoint.Read(weights.Tensors), sideFiles);
            return folder;
        }
        finally
        {
            if (folder is null)
                weights.Dispose();
        }
    }

    /// <summary>Reads a config.json by itself.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="CheckpointFormatException">It is no JSON object, or longer than 16 MB.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static JsonObject ReadConfig(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return BoundedFile.ParseObject(path, ReadConfigBytes(path));
    }

    /// <inheritdoc/>
    public void Dispose() => Weights.Dispose();

    private static byte[] ReadConfigBytes(string path) =>
        File.Exists(path)
            ? BoundedFile.ReadAllBytes(path, MaxConfigBytes)
            : throw new FileNotFoundException(
                $"{Show.Quote(path)} does not exist; it describes the architecture and comes with the weights.", path);

    private static Dictionary<string, byte[]> ReadSideFiles(string folder)
    {
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (string name in s_sideFileNames)
        {
            string path = System.IO.Path.Combine(folder, name);
            if (File.Exists(path))
                files.Add(name, BoundedFile.ReadAllBytes(path, MaxSideFileBytes));
        }
        return files;
    }
}
