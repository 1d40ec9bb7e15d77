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

    /// <summary>The logits after every token of one sequence, appended in pieces: after the last token of each piece
    /// they are filled in, the others stay zero.</summary>
    public static float[] Decoded(ILanguageModelEngine engine, ModelSpec spec, int[] tokens, params int[] pieces)
    {
        var logits = new float[tokens.Length * spec.VocabularySize];
        using IDecodingSession session = engine.StartDecoding();
        foreach (int piece in pieces)
        {
            int start = session.Length;
            session.Append(tokens.AsSpan(start, piece),
                logits.AsSpan((start + piece - 1) * spec.VocabularySize, spec.VocabularySize));
        }

        return logits;
    }

    /// <summary>The largest difference, relative to the largest expected logit; rows of zeros are left out.</summary>
    public static double Difference(float[] expected, float[] actual, int vocabulary)
    {
        double largest = expected.Max(MathF.Abs), difference = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            int row = i / vocabulary * vocabulary;
            if (actual.AsSpan(row, vocabulary).ContainsAnyExcept(0f))
                difference = Math.Max(difference, Math.Abs(expected[i] - (double)actual[i]));
        }

        return double.IsFinite(largest) ? difference / largest : double.NaN;
    }
}
