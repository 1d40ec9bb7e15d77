using System.Numerics.Tensors;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary><see cref="DropAndGrow"/> at work.</summary>
/// <param name="dynamics">How.</param>
/// <param name="steps">Steps of the training.</param>
/// <param name="interval">Steps from one change to the next, at least 1.</param>
/// <param name="seed">Seed.</param>
internal sealed class DropAndGrowMasks(DropAndGrow dynamics, int steps, int interval, int seed) : MaskUpdate
{
    private bool _skipsStep;

    /// <inheritdoc/>
    public override bool SkipsStep => _skipsStep;

    /// <inheritdoc/>
    public override void Update(int step, IReadOnlyList<MaskedParameter> masks)
    {
        _skipsStep = false;
        double fraction = dynamics.FractionAt(step, steps);
        if (fraction == 0 || step % interval != 0) return;
        for (int i = 0; i < masks.Count; i++)
        {
            MaskedParameter mask = masks[i];
            var count = (int)(mask.KeptCount * fraction);
            if (count == 0 || mask.KeptCount == mask.Count) continue;
            float[] growth = dynamics.Growth(mask, new Random(unchecked(seed * 1_000_003 + step * 8191 + i)));
            if (!float.IsFinite(TensorPrimitives.Sum<float>(growth))) continue;
            mask.Change(Change(mask, growth, count));
            _skipsStep = true;
        }
    }

    // The lowest |w| of those kept go; then of all that are out, those just dropped included, the highest come back.
    private static WeightMask Change(MaskedParameter mask, float[] growth, int count)
    {
        float[] kept = mask.ReadMask(), scores = mask.ReadWeights();
        long removed = mask.Count - mask.KeptCount;
        for (int i = 0; i < scores.Length; i++)
            scores[i] = kept[i] == 0 ? float.NegativeInfinity : Math.Abs(scores[i]);
        WeightMask stay = Remove(mask, scores, removed + count);
        for (int row = 0; row < mask.Rows; row++)
        {
            ReadOnlySpan<ulong> words = stay.GetRow(row);
            Span<float> values = growth.AsSpan(row * mask.Columns, mask.Columns);
            for (int column = 0; column < values.Length; column++)
                if (WeightMask.IsKept(words, column)) values[column] = float.MaxValue;
        }

        return Remove(mask, growth, removed);
    }

    private static WeightMask Remove(MaskedParameter mask, float[] scores, long count) => JointSelection.Select(
        [new ArrayScores(mask.Name, mask.Rows, mask.Columns, scores)], count, CancellationToken.None)[0];
}
