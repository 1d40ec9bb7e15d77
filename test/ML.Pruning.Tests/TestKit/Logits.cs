using ML.Pruning.Models;

namespace ML.Pruning.Tests.TestKit;

/// <summary>Logits of engines, and how far two of them are apart.</summary>
internal static class Logits
{
    /// <summary>The logits after every token, [batch, length, vocabulary].</summary>
    public static float[] Of(ILanguageModelEngine engine, ModelSpec spec, int[] tokens, int batch = 1)
    {
        var logits = new float[tokens.Length * spec.VocabularySize];
        engine.Logits(tokens, batch, logits);
        return logits;
    }

    /// <summary>The logits after the last token of each piece of a sequence, which starts the given tokens.</summary>
    public static float[] Decoded(ILanguageModelEngine engine, ModelSpec spec, int[] tokens, params int[] pieces)
    {
        var logits = new float[pieces.Length * spec.VocabularySize];
        using IDecodingSession session = engine.StartDecoding();
        for (int i = 0; i < pieces.Length; i++)
        {
            session.Append(tokens.AsSpan(session.Length, pieces[i]),
                logits.AsSpan(i * spec.VocabularySize, spec.VocabularySize));
        }

        return logits;
    }

    /// <summary>The largest difference, relative to the largest expected logit.</summary>
    public static double Difference(float[] expected, float[] actual)
    {
        Assert.HasCount(expected.Length, actual);
        double difference = expected.Zip(actual, (e, a) => Math.Abs(e - (double)a)).Max();
        return difference / expected.Max(MathF.Abs);
    }
}
