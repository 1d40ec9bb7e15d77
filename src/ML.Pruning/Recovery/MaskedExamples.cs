using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Recovery;

/// <summary>Windows of text of which an encoder predicts hidden tokens.</summary>
/// <remarks>Devlin et al. 2018, arXiv:1810.04805, section 3.1: of the tokens that are not special 15 % are to be
/// predicted (at least one of a window); of these 80 % are replaced by the mask, 10 % by a random token and 10 % stay.
/// They are drawn anew whenever a window comes up (Liu et al. 2019, arXiv:1907.11692, section 4.1), and always the same
/// for held-out windows.</remarks>
internal sealed class MaskedExamples : TrainingExamples
{
    private const double Predicted = 0.15, Masked = 0.8, Replaced = 0.1;
    private readonly TokenWindows _windows;
    private readonly int _maskTokenId;
    private readonly int[] _ordinary;
    private readonly HashSet<int> _special;

    private MaskedExamples(TokenWindows windows, HuggingFaceTokenizer tokenizer)
    {
        _windows = windows;
        _maskTokenId = tokenizer.MaskTokenId ?? throw new InvalidOperationException(
            "The tokenizer names no mask token; add 'mask_token' to tokenizer_config.json.");
        ILookup<bool, int> ids = Enumerable.Range(0, tokenizer.VocabularySize).ToLookup(tokenizer.IsSpecial);
        _ordinary = [.. ids[false]];
        _special = [.. ids[true]];
    }

    public override int Count => _windows.Count;

    public override int MaximumLength => _windows.Length;

    /// <summary>See <see cref="TrainingExamples.FromText"/>.</summary>
    public static MaskedExamples Make(
        IEnumerable<string> documents, LanguageModel model, int length, CancellationToken cancellationToken) =>
        new(TokenWindows.Cut(documents, model, length, cancellationToken), model.RequireTokenizer());

    public override string Hash() => _windows.Hash();

    internal override ReadOnlySpan<int> Tokens(int index) => _windows[index];

    internal override TrainingBatch Batch(ReadOnlySpan<int> indices, long draw = 0)
    {
        int length = _windows.Length;
        var tokens = new int[indices.Length * length];
        var hidden = new List<(int Position, int Token)>();
        for (int row = 0; row < indices.Length; row++)
        {
            Span<int> window = tokens.AsSpan(row * length, length);
            _windows[indices[row]].CopyTo(window);
            var random = new Random(Seed(indices[row], draw));
            foreach (int position in Choose(window, random))
            {
                hidden.Add((row * length + position, window[position]));
                double kind = random.NextDouble();
                if (kind < Masked) window[position] = _maskTokenId;
                else if (kind < Masked + Replaced) window[position] = _ordinary[random.Next(_ordinary.Length)];
            }
        }

        return new TrainingBatch(tokens, indices.Length, length, Counted: null) { HiddenTokens = hidden };
    }

    internal override void RequireFit(ModelSpec spec)
    {
        if (spec.Encoder is not { IsMaskedLanguageModel: true })
            throw new ArgumentException($"This {spec.Family} model has no head that predicts hidden tokens.");
    }

    internal override JsonObject ToJson() => new()
    {
        ["examples"] = "hidden tokens",
        ["windows"] = _windows.Count,
        ["sequenceLength"] = _windows.Length,
        ["windowHash"] = _windows.Hash(),
    };

    private List<int> Choose(ReadOnlySpan<int> window, Random random)
    {
        var ordinary = new List<int>();
        for (int i = 0; i < window.Length; i++)
            if (!_special.Contains(window[i])) ordinary.Add(i);
        List<int> chosen = ordinary.FindAll(_ => random.NextDouble() < Predicted);
        return chosen.Count > 0 || ordinary.Count == 0 ? chosen : [ordinary[random.Next(ordinary.Count)]];
    }

    // Spreads windows and draws over all seeds (the finisher of SplitMix64).
    private static int Seed(int window, long draw)
    {
        ulong x = (ulong)draw * 0x9E3779B97F4A7C15 + (ulong)window;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return (int)(x ^ (x >> 31));
    }
}
