using ML.Pruning.Models;

namespace ML.Pruning.Calibration;

/// <summary>Which windows of a corpus are taken.</summary>
public enum CalibrationOrder
{
    /// <summary>Drawn without replacement by the seed.</summary>
    Random,

    /// <summary>The first ones, in order.</summary>
    Sequential,
}

/// <summary>How much calibration text is used, and which.</summary>
public sealed record CalibrationOptions
{
    /// <summary>Windows at most, at least 1. When the corpus has fewer, all are used and the report says so.</summary>
    public int Samples { get; init; } = 128;

    /// <summary>Tokens in a window, from 2 to the model's context; null = the lesser of 512 and the context.</summary>
    public int? SequenceLength { get; init; }

    /// <summary>Which windows.</summary>
    public CalibrationOrder Order { get; init; } = CalibrationOrder.Random;

    /// <summary>Seed of a random order.</summary>
    public int Seed { get; init; }

    /// <summary>In what the model computes while it is observed; statistics are summed in float64 either way.</summary>
    public ComputePrecision Precision { get; init; }

    /// <summary>Where the activations are between two layers; the same bits either way.</summary>
    public CalibrationStorage Storage { get; init; }

    /// <summary>Cuts the windows for a model.</summary>
    /// <param name="documents">The corpus.</param>
    /// <param name="model">The model whose tokenizer and context count.</param>
    /// <param name="cancellationToken">Stops between documents.</param>
    /// <returns>At least one window.</returns>
    /// <exception cref="ArgumentException">An option is out of range, or the corpus does not fill one
    /// window.</exception>
    public TokenWindows CutWindows(IEnumerable<string> documents, LanguageModel model,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Choose(TokenWindows.Cut(documents, model, ResolveLength(model.Spec), cancellationToken));
    }

    /// <summary>Cuts the windows from tokens.</summary>
    /// <param name="tokens">The corpus.</param>
    /// <param name="spec">The model.</param>
    /// <returns>At least one window.</returns>
    /// <exception cref="ArgumentException">As for the other overload.</exception>
    internal TokenWindows CutWindows(int[] tokens, ModelSpec spec) =>
        Choose(TokenWindows.FromTokens(tokens, ResolveLength(spec)));

    /// <summary>The length of a window for a model.</summary>
    /// <param name="spec">The model.</param>
    /// <returns>Tokens in a window.</returns>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    internal int ResolveLength(ModelSpec spec)
    {
        int context = spec.ContextLength;
        int length = SequenceLength ?? Math.Min(512, context);
        if (Samples < 1) throw new ArgumentException($"The number of calibration samples is {Samples}; at least 1.");
        if (length < 2 || length > context)
        {
            throw new ArgumentException($"The calibration sequence length is {length}; it must lie between 2 and the "
                + $"model's context of {context} tokens.");
        }

        return length;
    }

    private TokenWindows Choose(TokenWindows all)
    {
        if (all.Count == 0)
        {
            throw new ArgumentException($"The calibration text has {all.CorpusTokenCount} tokens, which does not fill "
                + $"one window of {all.Length}; give more text or a shorter sequence length.");
        }

        return Order == CalibrationOrder.Sequential ? all.Take(Samples) : all.Draw(Samples, Seed);
    }
}
