using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Export;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Stores a model inside a stage of an ML.NET zip.</summary>
internal static class StagePayload
{
    public static void Save(ModelSaveContext ctx, LanguageModel model) =>
        LanguageModelPayload.Write(model, (name, write) => MLNetInternals.SaveEntry(ctx, name, write));

    public static LanguageModel Load(IHostEnvironment env, ModelLoadContext ctx) => LanguageModelPayload.Read(
        (name, read) => MLNetInternals.TryLoadEntry(ctx, name, read), MLNetInternals.GetTempFolder(env));

    /// <exception cref="FormatException">The options are not what the stage wrote.</exception>
    public static T ReadOptions<T>(string json, JsonSerializerOptions? serializer = null)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, serializer) ?? throw new FormatException(
                "A stage's options are empty.");
        }
        catch (JsonException e)
        {
            throw new FormatException($"A stage's options cannot be read: {e.Message}", e);
        }
    }
}
