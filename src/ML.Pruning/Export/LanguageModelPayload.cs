using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Export;

/// <summary>A model as named streams, as it travels inside a saved ML.NET model: a description, the weights (those on
/// an integer grid as codes and scales, sparse ones compressed), and the files that travel along.</summary>
public static class LanguageModelPayload
{
    private const string DescriptionEntry = "LanguageModel.json";
    private const string WeightsEntry = "Weights.safetensors";
    private const string SideFilePrefix = "File.";
    private const int CurrentFormat = 1;
    private const int MaximumSideFileBytes = 1 << 30;
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
    };

    /// <summary>Writes an entry.</summary>
    /// <param name="name">Name of the entry.</param>
    /// <param name="write">Writes its content.</param>
    public delegate void EntryWriter(string name, Action<Stream> write);

    /// <summary>Reads an entry.</summary>
    /// <param name="name">Name of the entry.</param>
    /// <param name="read">Reads its content.</param>
    /// <returns>Whether the entry is there.</returns>
    public delegate bool EntryReader(string name, Action<Stream> read);

    /// <summary>Writes a model. The weights stream from where they are; nothing is copied in memory.</summary>
    /// <param name="model">The model; one without weights is written without.</param>
    /// <param name="write">Writes an entry.</param>
    public static void Write(LanguageModel model, EntryWriter write)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(write);
        var description = new Description
        {
            Spec = model.Spec.ToJson(),
            Config = model.ConfigJson,
            ContentHash = model.HasWeights ? null : model.ContentHash,
            WhyNoWeights = model.WhyNoWeights,
            SideFiles = [.. model.SideFiles.Keys.Order(StringComparer.Ordinal)],
            Provenance = model.Provenance,
            MaskedTensors = [.. model.MaskedTensors.Order(StringComparer.Ordinal)],
        };
        write(DescriptionEntry, stream => JsonSerializer.Serialize(stream, description, s_json));
        foreach (string name in description.SideFiles)
            write(SideFilePrefix + name, stream => stream.Write(model.SideFiles[name]));
        if (model.HasWeights)
        {
            StoredTensor[] tensors =
                [.. model.Spec.Parameters().Concat(model.Spec.AdapterParameters())
                    .SelectMany(p => QuantizedCodec.Encode(model.Weights[p.Name]))
                    .SelectMany(t => BitmaskCodec.Compress(t))];
            write(WeightsEntry, stream => SafetensorsWriter.Write(stream, tensors));
        }
    }

    /// <summary>Reads a model. The weights are extracted to a temporary file, mapped, and deleted with the
    /// model.</summary>
    /// <param name="read">Reads an entry.</param>
    /// <param name="tempFolder">Folder for the temporary file.</param>
    /// <returns>The model; the caller disposes it.</returns>
    /// <exception cref="FormatException">The payload is incomplete or damaged.</exception>
    public static LanguageModel Read(EntryReader read, string tempFolder)
    {
        ArgumentNullException.ThrowIfNull(read);
        ArgumentException.ThrowIfNullOrEmpty(tempFolder);
        try
        {
            return ReadEntries(read, tempFolder);
        }
        catch (Exception e) when (e is JsonException or CheckpointFormatException or ModelFormatException
            or TokenizerFormatException)
        {
            throw new FormatException($"The saved language model is damaged: {e.Message}", e);
        }
    }

    private static LanguageModel ReadEntries(EntryReader read, string tempFolder)
    {
        Description? description = null;
        if (!read(DescriptionEntry, stream => description = JsonSerializer.Deserialize<Description>(stream, s_json))
            || description is null)
        {
            throw new FormatException($"The saved language model has no entry '{DescriptionEntry}'.");
        }

        if (description.Format != CurrentFormat)
        {
            throw new FormatException($"The saved language model has format {description.Format}; this version reads "
                + $"{CurrentFormat}.");
        }

        ModelSpec spec = ModelSpec.FromJson(description.Spec);
        var sideFiles = description.SideFiles.ToImmutableSortedDictionary(
            name => name, name => ReadSideFile(read, name), StringComparer.Ordinal);
        HuggingFaceTokenizer? tokenizer = TokenizerFiles.Find(sideFiles);
        SafetensorsFile? weights = description.WhyNoWeights is null ? ReadWeights(read, tempFolder) : null;
        return new LanguageModel(new LanguageModelContent
        {
            Spec = spec,
            Weights = weights is null ? null : CompressedCheckpoint.Read(weights.Tensors),
            Files = weights is null ? [] : [weights],
            WhyNoWeights = description.WhyNoWeights,
            ContentHash = description.ContentHash,
            ConfigJson = description.Config,
            Tokenizer = tokenizer,
            SideFiles = sideFiles,
            Provenance = description.Provenance,
            MaskedTensors = description.MaskedTensors.ToFrozenSet(StringComparer.Ordinal),
        });
    }

    private static byte[] ReadSideFile(EntryReader read, string name)
    {
        byte[] content = [];
        bool found = read(SideFilePrefix + name, stream =>
        {
            if (stream.Length > MaximumSideFileBytes)
                throw new FormatException($"The saved file '{name}' is larger than {MaximumSideFileBytes} bytes.");
            content = new byte[stream.Length];
            stream.ReadExactly(content);
        });
        return found ? content : throw new FormatException($"The saved language model has no file '{name}'.");
    }

    private static SafetensorsFile ReadWeights(EntryReader read, string tempFolder)
    {
        SafetensorsFile? file = null;
        bool found = read(WeightsEntry, stream => file = MapCopy(stream, tempFolder));
        return found ? file! : throw new FormatException($"The saved language model has no entry '{WeightsEntry}'.");
    }

    private static SafetensorsFile MapCopy(Stream stream, string tempFolder)
    {
        string path = Path.Combine(tempFolder, $"ml_pruning_{Guid.NewGuid():N}.safetensors");
        bool mapped = false;
        try
        {
            using (var copy = new FileStream(path, FileMode.CreateNew, FileAccess.Write)) stream.CopyTo(copy);
            SafetensorsFile file = SafetensorsFile.Open(path, deleteOnClose: true);
            mapped = true;
            return file;
        }
        finally
        {
            if (!mapped) File.Delete(path);
        }
    }

    private sealed record Description
    {
        public int Format { get; init; } = CurrentFormat;

        public required string Spec { get; init; }

        public required string Config { get; init; }

        public string? ContentHash { get; init; }

        public string? WhyNoWeights { get; init; }

        public IReadOnlyList<string> SideFiles { get; init; } = [];

        public IReadOnlyList<ProvenanceStep> Provenance { get; init; } = [];

        public IReadOnlyList<string> MaskedTensors { get; init; } = [];
    }
}
