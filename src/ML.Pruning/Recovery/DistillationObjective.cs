using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery;

/// <summary>Cross-entropy, and how far the student is from its teacher.</summary>
/// <remarks>Cross-entropy and divergence are means over the predictions that count; SquareHead is over all tokens that
/// are no padding.</remarks>
/// <param name="student">The model in training.</param>
/// <param name="teacher">The model to learn from (<see cref="RequireMatch"/>).</param>
/// <param name="options">The weights, validated.</param>
internal sealed class DistillationObjective(TorchDecoder student, TorchDecoder teacher, DistillationOptions options)
    : TrainingObjective
{
    /// <summary>Refuses a teacher that the losses cannot compare the student with.</summary>
    /// <param name="student">The student.</param>
    /// <param name="teacher">The teacher.</param>
    /// <param name="options">The weights.</param>
    /// <exception cref="ArgumentException">The vocabularies differ, or SquareHead is wanted and layers or hidden sizes
    /// differ.</exception>
    public static void RequireMatch(ModelSpec student, ModelSpec teacher, DistillationOptions options)
    {
        if (student.Encoder is not null || teacher.Encoder is not null)
            throw new ArgumentException("Encoders are not trained with a teacher; leave it out.");
        if (student.VocabularySize != teacher.VocabularySize)
        {
            throw new ArgumentException($"The teacher has a vocabulary of {teacher.VocabularySize} tokens and the "
                + $"student one of {student.VocabularySize}; they must have the same tokenizer.");
        }

        bool isSameStream =
            student.HiddenSize == teacher.HiddenSize
            && student.ResidualWidth == teacher.ResidualWidth && student.Layers.Count == teacher.Layers.Count;
        if (options.SquareHeadWeight > 0 && !isSameStream)
        {
            throw new ArgumentException($"The teacher has {teacher.Layers.Count} layers of hidden size "
                + $"{teacher.HiddenSize} and the student {student.Layers.Count} of {student.HiddenSize}; SquareHead "
                + "needs equal ones. Set its weight to 0 and use the Kullback-Leibler divergence.");
        }
    }

    /// <inheritdoc/>
    public override Tensor Loss(TrainingBatch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor inputs = batch.Inputs();
        IReadOnlyList<Tensor> states = student.HiddenStates(inputs);
        IReadOnlyList<Tensor> targets;
        using (no_grad()) targets = teacher.HiddenStates(inputs);

        var terms = new List<Tensor>();
        if (options.CrossEntropyWeight > 0)
            terms.Add(NextTokenObjective.Loss(student, batch, states[^1]).mul(options.CrossEntropyWeight));
        if (options.KullbackLeiblerWeight > 0)
        {
            Tensor divergence = DistillationLosses.KullbackLeibler(Logits(student, batch, states[^1]),
                Logits(teacher, batch, targets[^1]), options.Temperature);
            terms.Add(divergence.mul(options.KullbackLeiblerWeight));
        }

        if (options.SquareHeadWeight > 0)
            terms.Add(DistillationLosses.SquareHead(states, targets, Tokens(batch)).mul(options.SquareHeadWeight));
        return terms.Aggregate((sum, term) => sum.add(term)).MoveToOuterDisposeScope();
    }

    private static Tensor Logits(TorchDecoder decoder, TrainingBatch batch, Tensor hidden)
    {
        Tensor logits = decoder.Head.Forward(batch.Select(hidden));
        return logits.to_type(TorchWeights.Wide(logits.dtype));
    }

    // Positions in [B (T - 1)] that are no padding; null = all. An example ends with a prediction that counts.
    private static Tensor? Tokens(TrainingBatch batch)
    {
        if (batch.Counted is null) return null;
        int length = batch.Length - 1;
        IEnumerable<long> tokens = batch.Counted.GroupBy(position => position / length)
            .SelectMany(row => Enumerable.Range(row.Key * length, row.Max() - row.Key * length + 1))
            .Select(position => (long)position);
        return tensor(tokens.ToArray(), dtype: ScalarType.Int64);
    }
}
