namespace ML.Pruning.Kernels;

/// <summary>The bytes of a packed matrix are damaged, or of another version.</summary>
/// <param name="message">What is wrong, where, and what to do.</param>
public sealed class PackedFormatException(string message) : FormatException(message);
