using System.Diagnostics;
using ML.Pruning.Inference;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Kernels;
using ML.Pruning.Models;

namespace ML.Pruning.Evaluation;

/// <summary>Measures how fast a model runs, beside the same model with dense products.</summary>
/// <remarks>The two run in turns and the fastest round of each counts, so that other work on the machine disturbs both
/// alike. ONNX Runtime's default threads.</remarks>
public static class SpeedBenchmark
{
    /// <summary>Measures a model on the engine onnx.</summary>
    /// <param name="model">The model, with weights.</param>
    /// <param name="promptTokens">Tokens of the prompt, at least 1.</param>
    /// <param name="newTokens">Tokens to write after it, at least 1.</param>
    /// <param name="repeats">Rounds, at least 1.</param>
    /// <param name="profile">Whether to tell the time of each operator too, in a round of its own.</param>
    /// <param name="cancellationToken">Stops between rounds.</param>
    /// <returns>The result.</returns>
    /// <exception cref="ArgumentException">A number is out of range, or prompt and new tokens exceed the
    /// context.</exception>
    /// <exception cref="InvalidOperationException">The model has no weights.</exception>
    /// <exception cref="NotSupportedException">The model has a part that ONNX Runtime cannot be given.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static SpeedResult Measure(LanguageModel model, int promptTokens = 128, int newTokens = 32, int repeats = 3,
        bool profile = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(promptTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(newTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(repeats, 1);
        if ((long)promptTokens + newTokens > model.Spec.ContextLength)
        {
            throw new ArgumentException($"{promptTokens} prompt tokens and {newTokens} new ones exceed the model's "
                + $"context of {model.Spec.ContextLength}; take fewer.");
        }

        var engine = (OnnxEngine)EngineFactory.Get(model, EngineKind.Onnx);
        using LanguageModel? merged = model.Spec.Adapters.Count > 0 ? model.Merged() : null;
        using var dense = new OnnxEngine(merged ?? model, sparse: false);
        (double prefill, double decode) = (0, 0);
        (double densePrefill, double denseDecode) = (0, 0);
        for (int round = 0; round <= repeats; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (double p, double d) = Round(engine, model.Spec, promptTokens, newTokens);
            (double pOfDense, double dOfDense) = Round(dense, model.Spec, promptTokens, newTokens);
            if (round == 0) continue; // what is done once
            (prefill, decode) = (Math.Max(prefill, p), Math.Max(decode, d));
            (densePrefill, denseDecode) = (Math.Max(densePrefill, pOfDense), Math.Max(denseDecode, dOfDense));
        }

        var result = new SpeedResult(promptTokens, newTokens, repeats, prefill, decode, densePrefill, denseDecode,
            KernelLibrary.IsNative ? KernelLibrary.Target.ToString().ToLowerInvariant() : "managed", engine.Kernels,
            engine.RemembersKernels);
        if (!profile) return result;

        IReadOnlyList<OperatorTime>[] profiles = Profile(merged ?? model, promptTokens, newTokens);
        return result with { PrefillProfile = profiles[0], DecodeProfile = profiles[1] };
    }

    // Two rounds, of which the first does what is done once.
    private static IReadOnlyList<OperatorTime>[] Profile(LanguageModel model, int promptTokens, int newTokens)
    {
        using var profile = new OnnxProfile();
        using var engine = new OnnxEngine(model, profile: profile);
        for (int round = 0; round < 2; round++) Round(engine, model.Spec, promptTokens, newTokens);
        int chunk = OnnxDecodingSession.Chunk(model.Spec), chunks = (promptTokens + chunk - 1) / chunk;
        return engine.Decoder.EndProfile(^(chunks + newTokens)..^newTokens, ^newTokens..);
    }

    /// <summary>One round. Which tokens it takes does not matter for the time.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="spec">The model's shape.</param>
    /// <param name="prompt">Tokens of the prompt.</param>
    /// <param name="added">Tokens after it.</param>
    /// <returns>Tokens a second of both.</returns>
    internal static (double Prefill, double Decode) Round(OnnxEngine engine, ModelSpec spec, int prompt, int added)
    {
        int[] tokens = [.. Enumerable.Range(0, prompt).Select(i => i * 7 % spec.VocabularySize)];
        var logits = new float[spec.VocabularySize];
        using IDecodingSession session = engine.StartDecoding();
        long start = Stopwatch.GetTimestamp();
        session.Append(tokens, logits);
        double prefill = Stopwatch.GetElapsedTime(start).TotalSeconds;
        start = Stopwatch.GetTimestamp();
        for (int i = 0; i < added; i++) session.Append(tokens.AsSpan(i % prompt, 1), logits);
        return (prompt / prefill, added / Stopwatch.GetElapsedTime(start).TotalSeconds);
    }
}
