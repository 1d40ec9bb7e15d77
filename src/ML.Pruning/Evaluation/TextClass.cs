namespace ML.Pruning.Evaluation;

/// <summary>The label that a classifier finds for a text.</summary>
/// <param name="Label">The label with the highest probability; the first of equal ones.</param>
/// <param name="LabelIndex">Its class, from 0.</param>
/// <param name="Probabilities">The probability of every label, by class.</param>
/// <param name="TruncatedTokenCount">Tokens cut off at the model's context.</param>
public sealed record TextClass(
    string Label, int LabelIndex, IReadOnlyList<float> Probabilities, int TruncatedTokenCount);
