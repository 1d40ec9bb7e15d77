using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using ML.Pruning.Models;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Recovery;

/// <summary>Pairs of prompt and answer as examples.</summary>
internal sealed class PairExamples : TrainingExamples
{
    private readonly (int[] Tokens, int AnswerStart)[] _examples;
    private readonly int _cut;
    private readonly int _leftOut;

    private PairExamples((int[] Tokens, int AnswerStart)[] examples, int cut, int leftOut)
    {
        _examples = examples;
        _cut = cut;
        _leftOut = leftOut;
        MaximumLength = examples.Length == 0 ? 0 : examples.Max(e => e.Tokens.Length);
    }

    public override int Count => _examples.Length;

    public override int MaximumLength { get; }

    /// <summary>See <see cref="TrainingExamples.FromPairs"/>.</summary>
    public static PairExamples Make(IEnumerable<InstructionPair> pairs, LanguageModel model, int length,
        CancellationToken cancellationToken)
    {
        HuggingFaceTokenizer tokenizer = model.RequireTokenizer();
        var examples = new List<(int[] Tokens, int AnswerStart)>();
        int cut = 0, leftOut = 0;
        foreach (InstructionPair pair in pairs)
        {
            cancellationToken.ThrowIfCancellationRequested();
            IReadOnlyList<int> prompt = tokenizer.EncodeData(pair.Prompt);
            IReadOnlyList<int> whole = tokenizer.EncodeData(pair.Prompt + pair.Response);
            List<int> tokens = [.. whole];
            int start = prompt.Zip(whole).TakeWhile(t => t.First == t.Second).Count();
            if (model.Spec.BosTokenId is { } bos)
            {
                tokens.Insert(0, bos);
                start++;
            }

            if (model.Spec.EosTokenIds.Count > 0) tokens.Add(model.Spec.EosTokenIds[0]);
            if (tokens.Count > length) cut++;
            int[] kept = [.. tokens.Take(length)];

            // The first token of all cannot be predicted.
            start = Math.Max(start, 1);
            if (start < kept.Length) examples.Add((kept, start));
            else leftOut++;
        }

        return new PairExamples([.. examples], cut, leftOut);
    }

    public override string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((int[] tokens, int start) in _examples)
        {
            hash.AppendData(MemoryMarshal.AsBytes<int>([tokens.Length, start]));
            hash.AppendData(MemoryMarshal.AsBytes<int>(tokens));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    internal override ReadOnlySpan<int> Tokens(int index) => _examples[index].Tokens;

    internal override TrainingBatch Batch(ReadOnlySpan<int> indices, long draw = 0)
    {
        int length = 0;
        foreach (int index in indices) length = Math.Max(length, _examples[index].Tokens.Length);
        var tokens = new int[indices.Length * length];
        var counted = new List<int>();
        for (int row = 0; row < indices.Length; row++)
        {
            (int[] example, int start) = _examples[indices[row]];
            example.CopyTo(tokens, row * length);

            // Prediction p of a row is that of token p + 1; a token that is there already pads.
            tokens.AsSpan(row * length + example.Length, length - example.Length).Fill(example[^1]);
            counted.AddRange(Enumerable.Range(row * (length - 1) + start - 1, example.Length - start));
        }

        return new TrainingBatch(tokens, indices.Length, length, [.. counted]);
    }

    internal override JsonObject ToJson() => new()
    {
        ["examples"] = "pairs",
        ["pairs"] = Count,
        ["pairsCut"] = _cut,
        ["pairsLeftOut"] = _leftOut,
        ["longestPair"] = MaximumLength,
        ["pairHash"] = Hash(),
    };
}
