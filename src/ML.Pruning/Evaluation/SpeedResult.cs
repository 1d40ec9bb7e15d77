using System.Text.Json.Nodes;
using ML.Pruning.Inference;

namespace ML.Pruning.Evaluation;

/// <summary>How fast a model reads prompts and writes, as it runs and with dense products only.</summary>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="NewTokens">Tokens written after it, one by one.</param>
/// <param name="Repeats">Rounds, of which the fastest counts.</param>
/// <param name="Prefill">Prompt tokens a second.</param>
/// <param name="Decode">New tokens a second.</param>
/// <param name="DensePrefill">The same with ONNX Runtime's own products of float32.</param>
/// <param name="DenseDecode">The same with ONNX Runtime's own products of float32.</param>
/// <param name="Target">The instruction set of the kernels.</param>
/// <param name="Layers">What each linear map runs on, and why.</param>
/// <param name="RemembersLayers">Whether that was measured at an earlier start of the model on this machine.</param>
public sealed record SpeedResult(int PromptTokens, int NewTokens, int Repeats, double Prefill, double Decode,
    double DensePrefill, double DenseDecode, string Target, IReadOnlyList<LayerKernel> Layers, bool RemembersLayers)
{
    /// <summary>The time of each operator in reading the prompt, the longest first; empty = it was not asked
    /// for.</summary>
    public IReadOnlyList<OperatorTime> PrefillProfile { get; init; } = [];

    /// <summary>The time of each operator in writing a token, the longest first; empty = it was not asked
    /// for.</summary>
    public IReadOnlyList<OperatorTime> DecodeProfile { get; init; } = [];

    /// <summary>The result as one JSON object.</summary>
    /// <returns>Keys promptTokens, newTokens, repeats, prefillTokensPerSecond, decodeTokensPerSecond, dense (with the
    /// latter two), target, choice (measured or remembered), layers (name, rows, columns, sparsity, kernel,
    /// denseMicroseconds, kernelMicroseconds, why), profile (prefill and decode; where asked for).</returns>
    public JsonObject ToJson() => new()
    {
        ["engine"] = "onnx",
        ["precision"] = "float32",
        ["promptTokens"] = PromptTokens,
        ["newTokens"] = NewTokens,
        ["repeats"] = Repeats,
        ["prefillTokensPerSecond"] = Prefill,
        ["decodeTokensPerSecond"] = Decode,
        ["dense"] = new JsonObject
        {
            ["prefillTokensPerSecond"] = DensePrefill,
            ["decodeTokensPerSecond"] = DenseDecode,
        },
        ["target"] = Target,
        ["choice"] = RemembersLayers ? "remembered" : "measured",
        ["layers"] = new JsonArray([.. Layers.Select(layer => (JsonNode)new JsonObject
        {
            ["name"] = layer.Name,
            ["rows"] = layer.Rows,
            ["columns"] = layer.Columns,
            ["sparsity"] = layer.Sparsity,
            ["kernel"] = layer.Kernel,
            ["denseMicroseconds"] = layer.DenseMicroseconds,
            ["kernelMicroseconds"] = layer.KernelMicroseconds,
            ["why"] = layer.Why,
        })]),
        ["profile"] = DecodeProfile.Count == 0 ? null : new JsonObject
        {
            ["prefill"] = OperatorTime.ToJson(PrefillProfile),
            ["decode"] = OperatorTime.ToJson(DecodeProfile),
        },
    };
}
