namespace ML.Pruning.Tokenization;

/// <summary>Turns the pieces that pre-tokenizers leave into tokens.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
internal abstract class TokenModel
{
    /// <summary>The tokens of the model and their ids.</summary>
    public abstract IReadOnlyDictionary<string, int> Vocabulary { get; }

    /// <summary>Encodes one piece.</summary>
    /// <param name="text">The piece, as the pre-tokenizers left it.</param>
    /// <param name="output">Receives the tokens, with the characters of <paramref name="text"/> they stand for.</param>
    public abstract void Encode(string text, List<TokenSpan> output);
}
