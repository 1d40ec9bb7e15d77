namespace ML.Pruning.Tokenization.PreTokenizers;

/// <summary>What a pre-tokenizer must know beside the piece.</summary>
/// <param name="IsTextStart">The section begins where the text begins (no added token stands before it).</param>
/// <param name="Cut">False to rewrite (bytes to characters, spaces to markers) but not cut.</param>
internal readonly record struct SplitContext(bool IsTextStart, bool Cut);
