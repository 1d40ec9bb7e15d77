using System.Text.Json;

namespace ML.Pruning.Tokenization.SentencePiece;

/// <summary>Writes the tokenizer.json that does what a SentencePiece byte-pair model does.</summary>
/// <remarks>SentencePiece merges the neighbours whose union is a piece, the highest score first. So every way to cut a
/// piece into two pieces is a merge, and the merges are ordered by falling score; pieces of equal score, which the
/// trainer does not make, are ordered by id.</remarks>
internal static class SentencePieceConverter
{
    private const string Marker = "\u2581";

    /// <summary>The bytes of tokenizer.json.</summary>
    /// <param name="model">The model.</param>
    /// <param name="config">Says whether BOS and EOS are added; by default BOS is.</param>
    public static byte[] Convert(SentencePieceModel model, TokenizerConfig config)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("version", "1.0");
            WriteAddedTokens(json, model);
            WriteNormalizer(json, model);
            WriteTemplate(json, model, config);
            WriteDecoder(json, model);
            WriteModel(json, model);
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    private static void WriteAddedTokens(Utf8JsonWriter json, SentencePieceModel model)
    {
        json.WriteStartArray("added_tokens");
        for (int id = 0; id < model.Pieces.Count; id++)
        {
            (string text, _, SentencePieceType type) = model.Pieces[id];
            if (type is SentencePieceType.Normal or SentencePieceType.Byte)
                continue;
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("content", text);
            foreach (string flag in (ReadOnlySpan<string>)["single_word", "lstrip", "rstrip", "normalized"])
                json.WriteBoolean(flag, false);
            json.WriteBoolean("special", type != SentencePieceType.UserDefined);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteNormalizer(Utf8JsonWriter json, SentencePieceModel model)
    {
        string space = model.EscapeWhitespaces ? Marker : " ";
        json.WriteStartObject("normalizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("normalizers");
        if (model.RemoveExtraWhitespaces)
        {
            WriteReplace(json, "Regex", @"\A +| +\z", "");
            WriteReplace(json, "Regex", " {2,}", " ");
        }
        if (model.AddDummyPrefix)
        {
            json.WriteStartObject();
            json.WriteString("type", "Prepend");
            json.WriteString("prepend", space);
            json.WriteEndObject();
        }
        if (model.EscapeWhitespaces)
            WriteReplace(json, "String", " ", Marker);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteNull("pre_tokenizer");
    }

    private static void WriteTemplate(Utf8JsonWriter json, SentencePieceModel model, TokenizerConfig config)
    {
        int bos = config.AddBosToken != false ? model.BosId : -1;
        int eos = config.AddEosToken == true ? model.EosId : -1;
        if (bos < 0 && eos < 0)
        {
            json.WriteNull("post_processor");
            return;
        }
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        json.WriteStartArray("single");
        WriteTemplateItem(json, "SpecialToken", bos < 0 ? null : model.Pieces[bos].Text);
        WriteTemplateItem(json, "Sequence", "A");
        WriteTemplateItem(json, "SpecialToken", eos < 0 ? null : model.Pieces[eos].Text);
        json.WriteEndArray();
        json.WriteStartArray("pair");
        WriteTemplateItem(json, "Sequence", "A");
        WriteTemplateItem(json, "Sequence", "B");
        json.WriteEndArray();
        json.WriteStartObject("special_tokens");
        foreach (int id in new[] { bos, eos }.Where(id => id >= 0).Distinct())
        {
            json.WriteStartObject(model.Pieces[id].Text);
            json.WriteString("id", model.Pieces[id].Text);
            json.WriteStartArray("ids");
            json.WriteNumberValue(id);
            json.WriteEndArray();
            json.WriteStartArray("tokens");
            json.WriteStringValue(model.Pieces[id].Text);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteTemplateItem(Utf8JsonWriter json, string kind, string? id)
    {
        if (id is null)
            return;
        json.WriteStartObject();
        json.WriteStartObject(kind);
        json.WriteString("id", id);
        json.WriteNumber("type_id", 0);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteDecoder(Utf8JsonWriter json, SentencePieceModel model)
    {
        json.WriteStartObject("decoder");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("decoders");
        WriteReplace(json, "String", Marker, " ");
        foreach (string type in (ReadOnlySpan<string>)["ByteFallback", "Fuse"])
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteEndObject();
        }
        json.WriteStartObject();
        json.WriteString("type", "Strip");
        json.WriteString("content", " ");
        json.WriteNumber("start", model.AddDummyPrefix ? 1 : 0);
        json.WriteNumber("stop", 0);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteReplace(Utf8JsonWriter json, string kind, string pattern, string content)
    {
        json.WriteStartObject();
        json.WriteString("type", "Replace");
        json.WriteStartObject("pattern");
        json.WriteString(kind, pattern);
        json.WriteEndObject();
        json.WriteString("content", content);
        json.WriteEndObject();
    }

    private static void WriteModel(Utf8JsonWriter json, SentencePieceModel model)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        int unknown = model.Pieces.FindIndex(piece => piece.Type == SentencePieceType.Unknown);
        if (unknown >= 0)
            json.WriteString("unk_token", model.Pieces[unknown].Text);
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", true);
        json.WriteBoolean("byte_fallback", model.ByteFallback);
        json.WriteBoolean("ignore_merges", false);
        json.WriteStartObject("vocab");
        for (int id = 0; id < model.Pieces.Count; id++)
            json.WriteNumber(model.Pieces[id].Text, id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach ((string left, string right) in Merges(model))
        {
            json.WriteStartArray();
            json.WriteStringValue(left);
            json.WriteStringValue(right);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static IEnumerable<(string Left, string Right)> Merges(SentencePieceModel model)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < model.Pieces.Count; id++)
        {
            if (model.Pieces[id].Type == SentencePieceType.Normal)
                ids.TryAdd(model.Pieces[id].Text, id);
        }
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup =
            ids.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<(float Score, int Left, int Right)>();
        foreach ((string text, int id) in ids)
        {
            for (int cut = 1; cut < text.Length; cut++)
            {
                if (lookup.TryGetValue(text.AsSpan(0, cut), out int left)
                    && lookup.TryGetValue(text.AsSpan(cut), out int right))
                    merges.Add((model.Pieces[id].Score, left, right));
            }
        }
        return merges
            .OrderByDescending(merge => merge.Score).ThenBy(merge => merge.Left).ThenBy(merge => merge.Right)
            .Select(merge => (model.Pieces[merge.Left].Text, model.Pieces[merge.Right].Text));
    }
}
