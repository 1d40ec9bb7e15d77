using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace ML.Pruning.Pruning;

/// <summary>What happened to one weight matrix.</summary>
/// <param name="Name">Canonical name.</param>
/// <param name="Elements">Number of weights.</param>
/// <param name="ZerosBefore">Zeros before.</param>
/// <param name="ZerosAfter">Zeros after, counted in the stored result.</param>
public sealed record TensorReport(string Name, long Elements, long ZerosBefore, long ZerosAfter)
{
    /// <summary>Fraction of zeros after, in [0, 1].</summary>
    public double Sparsity => Elements == 0 ? 0 : (double)ZerosAfter / Elements;
}

/// <summary>What a pruning run did.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed record PruningReport
{
    /// <summary>Name of the method.</summary>
    public required string Method { get; init; }

    /// <summary>The tensors that changed, in the order of the forward pass.</summary>
    public required IReadOnlyList<TensorReport> Tensors { get; init; }

    /// <summary>The tensors that were left out, with the reasons.</summary>
    public IReadOnlyList<SkippedTensor> Skipped { get; init; } = [];

    /// <summary>Calibration windows asked for; 0 when the method needs none.</summary>
    public int WindowsAsked { get; init; }

    /// <summary>Calibration windows used.</summary>
    public int WindowsUsed { get; init; }

    /// <summary>Tokens in a calibration window.</summary>
    public int WindowLength { get; init; }

    /// <summary>How long the run took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>Plain sentences that the user should read.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Fraction of zeros in the tensors that were pruned, in [0, 1].</summary>
    public double Sparsity
    {
        get
        {
            long elements = Tensors.Sum(t => t.Elements);
            return elements == 0 ? 0 : (double)Tensors.Sum(t => t.ZerosAfter) / elements;
        }
    }

    /// <summary>The report as one JSON object.</summary>
    /// <returns>Keys method, sparsity, calibration, durationSeconds, tensors, skipped, notes.</returns>
    public JsonObject ToJson() => new()
    {
        ["method"] = Method,
        ["sparsity"] = Sparsity,
        ["calibration"] = WindowsAsked == 0 ? null : new JsonObject
        {
            ["windowsAsked"] = WindowsAsked,
            ["windowsUsed"] = WindowsUsed,
            ["windowLength"] = WindowLength,
        },
        ["durationSeconds"] = Duration.TotalSeconds,
        ["tensors"] = new JsonArray([.. Tensors.Select(t => (JsonNode)new JsonObject
        {
            ["name"] = t.Name,
            ["elements"] = t.Elements,
            ["zerosBefore"] = t.ZerosBefore,
            ["zerosAfter"] = t.ZerosAfter,
            ["sparsity"] = t.Sparsity,
        })]),
        ["skipped"] = new JsonArray([.. Skipped.Select(
            s => (JsonNode)new JsonObject { ["name"] = s.Name, ["reason"] = s.Reason })]),
        ["notes"] = new JsonArray([.. Notes.Select(n => (JsonNode)n)]),
    };

    /// <summary>The report for reading.</summary>
    /// <returns>A table with one line a tensor, a total, and the notes; lines end with a line feed.</returns>
    public string ToTable()
    {
        int width = Math.Max("tensor".Length, Tensors.Select(t => t.Name.Length).DefaultIfEmpty(0).Max());
        var text = new StringBuilder();
        AppendRow(text, width, "tensor", "weights", "zeros before", "zeros after", "sparsity");
        foreach (TensorReport t in Tensors) AppendRow(text, width, t);
        AppendRow(text, width, new TensorReport("total", Tensors.Sum(t => t.Elements),
            Tensors.Sum(t => t.ZerosBefore), Tensors.Sum(t => t.ZerosAfter)));
        if (WindowsAsked > 0)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"Calibration: {WindowsUsed} windows of {WindowLength} tokens.\n");
        }

        foreach (SkippedTensor skipped in Skipped) text.Append($"Left as it is: '{skipped.Name}' {skipped.Reason}.\n");
        foreach (string note in Notes) text.Append(note).Append('\n');
        return text.ToString();
    }

    private static void AppendRow(StringBuilder text, int width, TensorReport t) => AppendRow(text, width, t.Name,
        Number(t.Elements), Number(t.ZerosBefore), Number(t.ZerosAfter),
        t.Sparsity.ToString("0.0000", CultureInfo.InvariantCulture));

    private static void AppendRow(StringBuilder text, int width, string name, string elements, string before,
        string after, string sparsity) => text.Append(
            $"{name.PadRight(width)}  {elements,14}  {before,14}  {after,14}  {sparsity,8}\n");

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
