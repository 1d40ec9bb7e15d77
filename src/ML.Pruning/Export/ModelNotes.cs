using System.Text.Json;
using ML.Pruning.Models;

namespace ML.Pruning.Export;

/// <summary>What a model carries beyond what Hugging Face's files say: provenance, and which zeros are a mask. Kept in
/// a file of its own beside config.json, which other software ignores.</summary>
internal sealed record ModelNotes
{
    public const string FileName = "mlpruning.json";
    private const int CurrentFormat = 1;
    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
    };

    public int Format { get; init; } = CurrentFormat;

    public IReadOnlyList<ProvenanceStep> Provenance { get; init; } = [];

    public IReadOnlyList<string> MaskedTensors { get; init; } = [];

    public static ModelNotes Of(LanguageModel model) => new()
    {
        Provenance = model.Provenance,
        MaskedTensors = [.. model.MaskedTensors.Order(StringComparer.Ordinal)],
    };

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, s_json);

    /// <exception cref="ModelFormatException">Not such a file, or one of a newer format.</exception>
    public static ModelNotes Parse(ReadOnlySpan<byte> json)
    {
        ModelNotes notes;
        try
        {
            notes = JsonSerializer.Deserialize<ModelNotes>(json, s_json) ?? new ModelNotes();
        }
        catch (JsonException e)
        {
            throw new ModelFormatException($"{FileName} is not valid: {e.Message}", e);
        }

        return notes.Format == CurrentFormat
            ? notes
            : throw new ModelFormatException(
                $"{FileName} has format {notes.Format}; this version reads {CurrentFormat}.");
    }
}
