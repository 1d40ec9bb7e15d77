using System.Text.Json.Nodes;
using ML.Pruning.Calibration;

namespace ML.Pruning.Recovery;

/// <summary>Windows of text as examples.</summary>
/// <param name="windows">The windows.</param>
internal sealed class WindowExamples(TokenWindows windows) : TrainingExamples
{
    public override int Count => windows.Count;

    public override int MaximumLength => windows.Length;

    public override string Hash() => windows.Hash();

    internal override ReadOnlySpan<int> Tokens(int index) => windows[index];

    internal override TrainingBatch Batch(ReadOnlySpan<int> indices, long draw = 0)
    {
        var tokens = new int[indices.Length * windows.Length];
        for (int i = 0; i < indices.Length; i++)
            windows[indices[i]].CopyTo(tokens.AsSpan(i * windows.Length));
        return new TrainingBatch(tokens, indices.Length, windows.Length, Counted: null);
    }

    internal override JsonObject ToJson() => new()
    {
        ["examples"] = "windows",
        ["windows"] = windows.Count,
        ["sequenceLength"] = windows.Length,
        ["windowHash"] = windows.Hash(),
    };
}
