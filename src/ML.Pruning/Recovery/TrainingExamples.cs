using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Models;

namespace ML.Pruning.Recovery;

/// <summary>What a model is trained on: a list of examples, each some tokens of which some are to be
/// predicted.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public abstract class TrainingExamples
{
    private protected TrainingExamples()
    {
    }

    /// <summary>Number of examples.</summary>
    public abstract int Count { get; }

    /// <summary>Tokens of the longest example.</summary>
    public abstract int MaximumLength { get; }

    /// <summary>Windows of text; every token but the first of a window is predicted.</summary>
    /// <param name="windows">The windows.</param>
    /// <returns>One example a window.</returns>
    public static TrainingExamples FromWindows(TokenWindows windows)
    {
        ArgumentNullException.ThrowIfNull(windows);
        return new WindowExamples(windows);
    }

    /// <summary>Cuts documents into windows. A decoder predicts every token but the first of a window; an encoder
    /// hidden ones: of the tokens that are not special 15 %, of which 80 % are masked, 10 % replaced and 10 % stay,
    /// drawn by the seed of the training (Devlin et al. 2018, arXiv:1810.04805).</summary>
    /// <param name="documents">The documents, in order.</param>
    /// <param name="model">The model to train, with its tokenizer.</param>
    /// <param name="sequenceLength">Tokens in a window, from 2 to the model's context; null = the lesser of 256 and the
    /// context.</param>
    /// <param name="cancellationToken">Stops between documents.</param>
    /// <returns>One example a window.</returns>
    /// <exception cref="ArgumentException">The length is out of range, or the model is an encoder that predicts no
    /// tokens.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer, or an encoder's names no mask
    /// token.</exception>
    public static TrainingExamples FromText(IEnumerable<string> documents, LanguageModel model,
        int? sequenceLength = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        ArgumentNullException.ThrowIfNull(model);
        int length = ResolveLength(model.Spec, sequenceLength);
        if (model.Spec.Encoder is null)
            return FromWindows(TokenWindows.Cut(documents, model, length, cancellationToken));
        return model.Spec.Encoder.IsMaskedLanguageModel
            ? MaskedExamples.Make(documents, model, length, cancellationToken)
            : throw new ArgumentException($"This {model.Spec.Family} model predicts no tokens, so that text alone does "
                + "not train it; give texts with labels (a .tsv file, or a label column).", nameof(model));
    }

    /// <summary>Texts with the labels that a classifier is to tell.</summary>
    /// <param name="texts">The texts, in order.</param>
    /// <param name="model">The model to train, with its tokenizer.</param>
    /// <param name="sequenceLength">Tokens of a text at most, special ones included, from 2 to the model's context;
    /// null = the lesser of 256 and the context. Longer texts are cut at the end.</param>
    /// <param name="cancellationToken">Stops between texts.</param>
    /// <returns>One example a text.</returns>
    /// <exception cref="ArgumentException">The length is out of range, a label is unknown, or the model tells no labels
    /// apart.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public static TrainingExamples FromLabels(IEnumerable<LabeledText> texts, LanguageModel model,
        int? sequenceLength = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(model);
        return LabelExamples.Make(texts, model, ResolveLength(model.Spec, sequenceLength), cancellationToken);
    }

    /// <summary>Pairs of a prompt and its answer, of which only the answer (and the end of the text) is
    /// predicted.</summary>
    /// <remarks>Tokens: BOS and those of prompt and answer written one after the other, then the first EOS, if the
    /// model has one. The answer starts where these tokens differ from those of the prompt alone. Longer pairs are cut
    /// at the end; one of whose answer nothing is left is left out.</remarks>
    /// <param name="pairs">The pairs, in order.</param>
    /// <param name="model">The model to train, with its tokenizer.</param>
    /// <param name="sequenceLength">Tokens of a pair at most, from 2 to the model's context; null = the lesser of 256
    /// and the context.</param>
    /// <param name="cancellationToken">Stops between pairs.</param>
    /// <returns>One example a pair.</returns>
    /// <exception cref="ArgumentException">The length is out of range.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public static TrainingExamples FromPairs(IEnumerable<InstructionPair> pairs, LanguageModel model,
        int? sequenceLength = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        ArgumentNullException.ThrowIfNull(model);
        EngineArguments.RequireDecoder(model.Spec);
        return PairExamples.Make(pairs, model, ResolveLength(model.Spec, sequenceLength), cancellationToken);
    }

    /// <summary>Reads a file: a .jsonl file of prompts and answers as pairs (<see cref="InstructionPair.Read"/>), for a
    /// classifier a .tsv file of texts and labels (<see cref="LabeledText.Read"/>), any other as text
    /// (<see cref="TextCorpus.Read"/>).</summary>
    /// <param name="path">The file, UTF-8.</param>
    /// <param name="model">The model to train, with its tokenizer.</param>
    /// <param name="sequenceLength">Tokens of an example at most, from 2 to the model's context; null = the lesser of
    /// 256 and the context.</param>
    /// <param name="cancellationToken">Stops between documents.</param>
    /// <returns>The examples.</returns>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="InvalidDataException">A line is neither text nor a pair, or the file is not UTF-8.</exception>
    /// <exception cref="ArgumentException">The length is out of range.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public static TrainingExamples FromFile(string path, LanguageModel model, int? sequenceLength = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (InstructionPair.IsFileOfPairs(path))
            return FromPairs(InstructionPair.Read(path), model, sequenceLength, cancellationToken);
        return LabeledText.IsFile(path) && model.Spec.Encoder is { IsClassifier: true }
            ? FromLabels(LabeledText.Read(path), model, sequenceLength, cancellationToken)
            : FromText(TextCorpus.Read(path), model, sequenceLength, cancellationToken);
    }

    /// <summary>SHA-256 of all examples, for provenance.</summary>
    /// <returns>Lower-case hexadecimal.</returns>
    public abstract string Hash();

    /// <summary>Tokens of an example.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1.</param>
    internal abstract ReadOnlySpan<int> Tokens(int index);

    /// <summary>Puts examples together.</summary>
    /// <param name="indices">Which, at least one.</param>
    /// <param name="draw">Where the examples leave something to chance: another number, another choice.</param>
    internal abstract TrainingBatch Batch(ReadOnlySpan<int> indices, long draw = 0);

    /// <summary>Refuses a model that the examples are not for.</summary>
    /// <param name="spec">The model.</param>
    /// <exception cref="ArgumentException">It is another kind of model.</exception>
    internal virtual void RequireFit(ModelSpec spec)
    {
        if (spec.Encoder is not null)
        {
            throw new ArgumentException($"The examples are for a model that predicts the next token; a {spec.Family} "
                + "model is an encoder. Make them from texts with labels, or from text for hidden tokens.");
        }
    }

    /// <summary>What the examples are, for provenance.</summary>
    internal abstract JsonObject ToJson();

    private static int ResolveLength(ModelSpec spec, int? length)
    {
        int resolved = length ?? Math.Min(256, spec.ContextLength);
        return resolved >= 2 && resolved <= spec.ContextLength ? resolved : throw new ArgumentException(
            $"The training sequence length is {resolved}; it must lie between 2 and the model's context of "
            + $"{spec.ContextLength} tokens.");
    }
}
