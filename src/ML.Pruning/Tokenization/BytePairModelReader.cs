using System.Text.Json;

namespace ML.Pruning.Tokenization;

/// <summary>Reads a byte-pair <c>model</c> of tokenizer.json.</summary>
internal static class BytePairModelReader
{
    private const int MaxAffixLength = 64;

    /// <summary>The byte-pair model that <paramref name="part"/> describes.</summary>
    public static BytePairModel Read(JsonPart part)
    {
        if (part.TryField("dropout", out JsonPart dropout)
            && (dropout.Element.ValueKind != JsonValueKind.Number || dropout.Element.GetDouble() != 0))
            throw dropout.Error("is not null or 0; encoding with random merges is not supported.");
        var options = new BytePairOptions
        {
            UnknownToken = part.String("unk_token", null),
            FuseUnknown = part.Boolean("fuse_unk", false),
            ByteFallback = part.Boolean("byte_fallback", false),
            IgnoreMerges = part.Boolean("ignore_merges", false),
            ContinuingPrefix = ReadAffix(part, "continuing_subword_prefix"),
            EndOfWordSuffix = ReadAffix(part, "end_of_word_suffix"),
        };
        Dictionary<string, int> vocabulary = TokenModelReader.ReadVocabulary(part.Field("vocab"));
        if (options.UnknownToken is { } unknown && !vocabulary.ContainsKey(unknown))
            throw part.Field("unk_token").Error($"'{JsonPart.Shorten(unknown)}' is not in model.vocab.");
        Dictionary<long, BytePairModel.MergeTarget> merges =
            ReadMerges(part.Field("merges"), vocabulary, options.ContinuingPrefix.Length);
        return new BytePairModel(vocabulary, merges, options);
    }

    private static string ReadAffix(JsonPart part, string name)
    {
        string affix = part.String(name, "");
        return affix.Length <= MaxAffixLength
            ? affix
            : throw part.Field(name).Error($"has {affix.Length} characters; at most {MaxAffixLength} are supported.");
    }

    private static Dictionary<long, BytePairModel.MergeTarget> ReadMerges(
        JsonPart part, Dictionary<string, int> vocabulary, int prefixLength)
    {
        var merges = new Dictionary<long, BytePairModel.MergeTarget>();
        int rank = 0;
        foreach (JsonPart item in part.Items())
        {
            (string left, string right) = ReadPair(item);
            int leftId = IdOf(left, item, vocabulary);
            int rightId = IdOf(right, item, vocabulary);
            int unionId = IdOf(left + right[Math.Min(prefixLength, right.Length)..], item, vocabulary);
            merges[BytePairModel.PairKey(leftId, rightId)] = new BytePairModel.MergeTarget(rank++, unionId);
        }
        return merges;
    }

    private static (string Left, string Right) ReadPair(JsonPart item)
    {
        string[] words = item.Element.ValueKind == JsonValueKind.Array
            ? [.. item.Items().Select(word => word.AsString())]
            : item.AsString().Split(' ');
        if (words.Length != 2)
            throw item.Error($"has {words.Length} parts; a merge is two tokens, \"a b\" or [\"a\", \"b\"].");
        return (words[0], words[1]);
    }

    private static int IdOf(string token, JsonPart item, Dictionary<string, int> vocabulary)
        => vocabulary.TryGetValue(token, out int id)
            ? id
            : throw item.Error($"needs the token '{JsonPart.Shorten(token)}', which is not in model.vocab.");
}
