using ML.Pruning.Tokenization;

namespace ML.Pruning.Export;

/// <summary>The files that travel along with a model.</summary>
internal static class SideFiles
{
    /// <summary>The tokenizer among the files; null when there is none.</summary>
    public static HuggingFaceTokenizer? Tokenizer(IReadOnlyDictionary<string, byte[]> files)
    {
        byte[] config = files.GetValueOrDefault("tokenizer_config.json") ?? [];
        if (files.TryGetValue("tokenizer.json", out byte[]? json)) return HuggingFaceTokenizer.Parse(json, config);
        if (files.TryGetValue("tokenizer.model", out byte[]? model))
            return TokenizerFiles.ParseSentencePiece(model, config);

        // With merges the vocabulary is of another kind.
        return files.TryGetValue(WordPieceFile.Name, out byte[]? words) && !files.ContainsKey("merges.txt")
            ? TokenizerFiles.ParseWordPiece(words, config)
            : null;
    }
}
