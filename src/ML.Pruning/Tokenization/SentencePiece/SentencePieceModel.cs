namespace ML.Pruning.Tokenization.SentencePiece;

/// <summary>What is used of a SentencePiece model file (protocol buffers, sentencepiece_model.proto).</summary>
internal sealed class SentencePieceModel
{
    private const string FileName = "tokenizer.model:";
    private const int BytePairType = 2;
    private const int MaxPieceLength = 1024;
    private static readonly string[] s_modelTypes = ["0", "Unigram", "BPE", "Word", "Char"];

    private int _modelType = 1;
    private string _normalizerName = "";
    private int _charsMapLength;
    private bool _whitespaceAsSuffix;

    private SentencePieceModel()
    {
    }

    /// <summary>The pieces; the id is the position.</summary>
    public List<(string Text, float Score, SentencePieceType Type)> Pieces { get; } = [];

    /// <summary>Whether unknown characters are written as bytes.</summary>
    public bool ByteFallback { get; private set; }

    /// <summary>The id of BOS; -1 for none.</summary>
    public int BosId { get; private set; } = 1;

    /// <summary>The id of EOS; -1 for none.</summary>
    public int EosId { get; private set; } = 2;

    /// <summary>Whether a space is put before the text.</summary>
    public bool AddDummyPrefix { get; private set; } = true;

    /// <summary>Whether spaces at the ends are removed and runs of them folded.</summary>
    public bool RemoveExtraWhitespaces { get; private set; } = true;

    /// <summary>Whether spaces are written as U+2581.</summary>
    public bool EscapeWhitespaces { get; private set; } = true;

    /// <summary>Reads a model; one that is not byte-pair encoding, or maps characters, is refused by name.</summary>
    public static SentencePieceModel Parse(ReadOnlySpan<byte> file)
    {
        var model = new SentencePieceModel();
        var reader = new ProtobufReader(file, FileName);
        while (reader.Next(out int field))
        {
            switch (field)
            {
                case 1:
                    model.ReadPiece(reader.ReadBytes());
                    break;
                case 2:
                    model.ReadTrainer(reader.ReadBytes());
                    break;
                case 3:
                    model.ReadNormalizer(reader.ReadBytes());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        model.Check();
        return model;
    }

    private void ReadPiece(ReadOnlySpan<byte> message)
    {
        string text = "";
        float score = 0;
        int type = (int)SentencePieceType.Normal;
        var reader = new ProtobufReader(message, $"{FileName} piece {Pieces.Count}");
        while (reader.Next(out int field))
        {
            switch (field)
            {
                case 1:
                    text = reader.ReadString();
                    break;
                case 2:
                    score = reader.ReadSingle();
                    break;
                case 3:
                    type = reader.ReadInt32();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        Pieces.Add((text, score, (SentencePieceType)type));
    }

    private void ReadTrainer(ReadOnlySpan<byte> message)
    {
        var reader = new ProtobufReader(message, $"{FileName} trainer_spec");
        while (reader.Next(out int field))
        {
            switch (field)
            {
                case 3:
                    _modelType = reader.ReadInt32();
                    break;
                case 24:
                    _whitespaceAsSuffix = reader.ReadBoolean();
                    break;
                case 35:
                    ByteFallback = reader.ReadBoolean();
                    break;
                case 41:
                    BosId = reader.ReadInt32();
                    break;
                case 42:
                    EosId = reader.ReadInt32();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    private void ReadNormalizer(ReadOnlySpan<byte> message)
    {
        var reader = new ProtobufReader(message, $"{FileName} normalizer_spec");
        while (reader.Next(out int field))
        {
            switch (field)
            {
                case 1:
                    _normalizerName = reader.ReadString();
                    break;
                case 2:
                    _charsMapLength = reader.ReadBytes().Length;
                    break;
                case 3:
                    AddDummyPrefix = reader.ReadBoolean();
                    break;
                case 4:
                    RemoveExtraWhitespaces = reader.ReadBoolean();
                    break;
                case 5:
                    EscapeWhitespaces = reader.ReadBoolean();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    private void Check()
    {
        if (_modelType != BytePairType)
        {
            string name = s_modelTypes.ElementAtOrDefault(_modelType) ?? $"{_modelType}";
            throw new TokenizerFormatException(
                $"{FileName} trainer_spec.model_type '{name}' is not supported; supported is BPE.");
        }
        if (_charsMapLength > 0)
            throw new TokenizerFormatException(
                $"{FileName} normalizer_spec '{JsonPart.Shorten(_normalizerName)}' has a precompiled map of "
                + "characters, which is not supported; supported is identity.");
        if (_whitespaceAsSuffix)
            throw new TokenizerFormatException(
                $"{FileName} trainer_spec.treat_whitespace_as_suffix is true; only false is supported.");
        for (int id = 0; id < Pieces.Count; id++)
        {
            (string text, float score, SentencePieceType type) = Pieces[id];
            string place = $"{FileName} piece {id} '{JsonPart.Shorten(text)}'";
            if (text.Length is 0 or > MaxPieceLength || !float.IsFinite(score))
                throw new TokenizerFormatException(
                    $"{place} has {text.Length} characters and score {score}; 1 to {MaxPieceLength} characters "
                    + "and a finite score are needed.");
            if (!Enum.IsDefined(type) || type == SentencePieceType.Unused)
                throw new TokenizerFormatException(
                    $"{place} has the type {type}; supported are Normal, Unknown, Control, UserDefined, Byte.");
        }
        if (BosId >= Pieces.Count || EosId >= Pieces.Count)
            throw new TokenizerFormatException(
                $"{FileName} trainer_spec has bos_id {BosId} and eos_id {EosId}, but there are {Pieces.Count} pieces.");
    }
}
