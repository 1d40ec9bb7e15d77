using ML.Pruning.Tokenization.SentencePiece;

namespace ML.Pruning.Tokenization;

/// <summary>Finds and reads the tokenizer files of a folder.</summary>
internal static class TokenizerFiles
{
    private const string JsonName = "tokenizer.json";
    private const string SentencePieceName = "tokenizer.model";
    private const long MaxFileBytes = 1L << 28;

    /// <summary>Reads the tokenizer of a folder, or the given file.</summary>
    public static HuggingFaceTokenizer Load(string folderOrFile)
    {
        ArgumentException.ThrowIfNullOrEmpty(folderOrFile);
        string file = folderOrFile;
        if (Directory.Exists(folderOrFile))
        {
            file = Path.Combine(folderOrFile, JsonName);
            if (!File.Exists(file))
                file = Path.Combine(folderOrFile, SentencePieceName);
            if (!File.Exists(file))
                file = Path.Combine(folderOrFile, WordPieceFile.Name);
        }
        if (!File.Exists(file))
            throw new FileNotFoundException(
                $"No tokenizer at '{folderOrFile}': give a folder with {JsonName}, {SentencePieceName} or "
                + $"{WordPieceFile.Name}, or a file.",
                file);
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        string configFile = Path.Combine(folder, TokenizerConfig.FileName);
        byte[] config = File.Exists(configFile) ? ReadBounded(configFile) : [];
        byte[] content = ReadBounded(file);
        if (file.EndsWith(".model", StringComparison.OrdinalIgnoreCase))
            return ParseSentencePiece(content, config);
        if (file.EndsWith(".txt", StringComparison.OrdinalIgnoreCase))
            return ParseWordPiece(content, config);
        return HuggingFaceTokenizer.Parse(content, config);
    }

    /// <summary>The tokenizer among the files of a model; null when there is none.</summary>
    public static HuggingFaceTokenizer? Find(IReadOnlyDictionary<string, byte[]> files)
    {
        byte[] config = files.GetValueOrDefault(TokenizerConfig.FileName) ?? [];
        if (files.TryGetValue(JsonName, out byte[]? json)) return HuggingFaceTokenizer.Parse(json, config);
        if (files.TryGetValue(SentencePieceName, out byte[]? model)) return ParseSentencePiece(model, config);

        // With merges the vocabulary is of another kind.
        return files.TryGetValue(WordPieceFile.Name, out byte[]? words) && !files.ContainsKey("merges.txt")
            ? ParseWordPiece(words, config)
            : null;
    }

    /// <summary>Reads the bytes of a tokenizer.model.</summary>
    public static HuggingFaceTokenizer ParseSentencePiece(byte[] model, byte[] config) => HuggingFaceTokenizer.Parse(
        SentencePieceConverter.Convert(SentencePieceModel.Parse(model), TokenizerConfig.Parse(config)), config);

    /// <summary>Reads the bytes of a vocab.txt.</summary>
    public static HuggingFaceTokenizer ParseWordPiece(byte[] vocabulary, byte[] config) => HuggingFaceTokenizer.Parse(
        WordPieceFile.Convert(vocabulary, TokenizerConfig.Parse(config)), config);

    private static byte[] ReadBounded(string file)
    {
        long length = new FileInfo(file).Length;
        if (length > MaxFileBytes)
            throw new TokenizerFormatException(
                $"{Path.GetFileName(file)}: has {length} bytes; at most {MaxFileBytes} are read.");
        return File.ReadAllBytes(file);
    }
}
