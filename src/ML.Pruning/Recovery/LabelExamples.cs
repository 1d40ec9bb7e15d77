using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Recovery;

/// <summary>Texts with labels as examples of a classifier.</summary>
internal sealed class LabelExamples : TrainingExamples
{
    private readonly (int[] Tokens, int Label)[] _examples;
    private readonly int _labels;
    private readonly int _padTokenId;
    private readonly int _cut;

    private LabelExamples((int[] Tokens, int Label)[] examples, EncoderSpec encoder, int cut)
    {
        _examples = examples;
        _labels = encoder.Labels.Count;
        _padTokenId = encoder.PadTokenId;
        _cut = cut;
        MaximumLength = examples.Length == 0 ? 0 : examples.Max(e => e.Tokens.Length);
    }

    public override int Count => _examples.Length;

    public override int MaximumLength { get; }

    /// <summary>See <see cref="TrainingExamples.FromLabels"/>.</summary>
    public static LabelExamples Make(
        IEnumerable<LabeledText> texts, LanguageModel model, int length, CancellationToken cancellationToken)
    {
        if (model.Spec.Encoder is not { IsClassifier: true } encoder)
        {
            throw new ArgumentException($"Texts with labels are for encoders that tell labels apart; this "
                + $"{model.Spec.Family} model has no such head.", nameof(model));
        }

        HuggingFaceTokenizer tokenizer = model.RequireTokenizer();
        var examples = new List<(int[], int)>();
        int cut = 0;
        foreach (LabeledText text in texts)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (IReadOnlyList<int> ids, int cutOff) = tokenizer.EncodeWhole(text.Text, length);
            if (cutOff > 0) cut++;
            examples.Add(([.. ids], encoder.LabelIndex(text.Label)));
        }

        return new LabelExamples([.. examples], encoder, cut);
    }

    public override string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((int[] tokens, int label) in _examples)
        {
            hash.AppendData(MemoryMarshal.AsBytes<int>([tokens.Length, label]));
            hash.AppendData(MemoryMarshal.AsBytes<int>(tokens));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    internal override ReadOnlySpan<int> Tokens(int index) => _examples[index].Tokens;

    internal override TrainingBatch Batch(ReadOnlySpan<int> indices, long draw = 0)
    {
        int[] lengths = [.. indices.ToArray().Select(i => _examples[i].Tokens.Length)];
        int length = lengths.Max();
        var tokens = new int[indices.Length * length];
        Array.Fill(tokens, _padTokenId);
        for (int row = 0; row < indices.Length; row++) _examples[indices[row]].Tokens.CopyTo(tokens, row * length);
        return new TrainingBatch(tokens, indices.Length, length, Counted: null)
        {
            Lengths = lengths,
            Labels = [.. indices.ToArray().Select(i => _examples[i].Label)],
        };
    }

    internal override void RequireFit(ModelSpec spec)
    {
        if (spec.Encoder?.Labels.Count != _labels)
        {
            throw new ArgumentException($"The examples have {_labels} labels and the model "
                + $"{spec.Encoder?.Labels.Count ?? 0}; make the examples for this model.");
        }
    }

    internal override JsonObject ToJson() => new()
    {
        ["examples"] = "labels",
        ["texts"] = Count,
        ["textsCut"] = _cut,
        ["longestText"] = MaximumLength,
        ["perLabel"] = new JsonArray([.. Enumerable.Range(0, _labels)
            .Select(label => (JsonNode)_examples.Count(e => e.Label == label))]),
        ["textHash"] = Hash(),
    };
}
