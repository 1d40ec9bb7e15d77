namespace ML.Pruning.Tokenization;

/// <summary>Finds and reads the tokenizer files of a folder.</summary>
internal static class TokenizerFiles
{
    private const string JsonName = "tokenizer.json";
    private const long MaxFileBytes = 1L << 28;

    /// <summary>Reads the tokenizer of a folder, or the given file.</summary>
    public static HuggingFaceTokenizer Load(string folderOrFile)
    {
        ArgumentException.ThrowIfNullOrEmpty(folderOrFile);
        string file = Directory.Exists(folderOrFile) ? Path.Combine(folderOrFile, JsonName) : folderOrFile;
        if (!File.Exists(file))
            throw new FileNotFoundException(
                $"No tokenizer at '{folderOrFile}': give a folder with {JsonName}, or such a file.", file);
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        string configFile = Path.Combine(folder, TokenizerConfig.FileName);
        byte[] config = File.Exists(configFile) ? ReadBounded(configFile) : [];
        return HuggingFaceTokenizer.Parse(ReadBounded(file), config);
    }

    private static byte[] ReadBounded(string file)
    {
        long length = new FileInfo(file).Length;
        if (length > MaxFileBytes)
            throw new TokenizerFormatException(
                $"{Path.GetFileName(file)}: has {length} bytes; at most {MaxFileBytes} are read.");
        return File.ReadAllBytes(file);
    }
}
