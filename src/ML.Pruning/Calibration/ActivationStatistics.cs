using System.Numerics;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Calibration;

/// <summary>What calibration saw of the input of a linear map: per feature the sum of squares over all tokens.</summary>
/// <remarks>
/// <para>sumOfSquares[i] = sum over tokens t of x[t, i]^2, in float64 and in the order of the tokens, so that the number
/// of threads does not change a bit.</para>
/// <para>Not thread-safe while being added to.</para>
/// </remarks>
public sealed class ActivationStatistics
{
    private const int FeaturesPerTask = 256;

    private readonly double[] _sumOfSquares;

    /// <summary>Starts with no token seen.</summary>
    /// <param name="features">Input features, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is not one feature.</exception>
    public ActivationStatistics(int features)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        _sumOfSquares = new double[features];
    }

    /// <summary>Input features.</summary>
    public int Features => _sumOfSquares.Length;

    /// <summary>Tokens seen.</summary>
    public long TokenCount { get; private set; }

    /// <summary>Sum of squares [features] over all tokens.</summary>
    public ReadOnlySpan<double> SumOfSquares => _sumOfSquares;

    /// <summary>Whether all sums are finite; false after an activation was NaN or infinite.</summary>
    public bool IsFinite => !_sumOfSquares.Any(s => !double.IsFinite(s));

    /// <summary>Adds tokens.</summary>
    /// <param name="inputs">Inputs [tokens, features], row-major.</param>
    /// <exception cref="ArgumentException">The length is no multiple of the number of features.</exception>
    public unsafe void Add(ReadOnlySpan<float> inputs)
    {
        int features = Features;
        if (inputs.Length % features != 0)
        {
            throw new ArgumentException($"{inputs.Length} numbers are no whole tokens of {features} features.",
                nameof(inputs));
        }

        int tokens = inputs.Length / features;
        TokenCount += tokens;
        int tasks = (features + FeaturesPerTask - 1) / FeaturesPerTask;
        fixed (float* pinned = inputs)
        {
            float* start = pinned;
            RowChunks.For(tasks, task =>
            {
                int first = task * FeaturesPerTask, count = Math.Min(FeaturesPerTask, features - first);
                Span<double> sums = _sumOfSquares.AsSpan(first, count);
                for (int t = 0; t < tokens; t++)
                    AddSquares(new ReadOnlySpan<float>(start + (long)t * features + first, count), sums);
            }, CancellationToken.None);
        }
    }

    /// <summary>Adds what other statistics saw.</summary>
    /// <param name="other">Statistics of the same input over other tokens.</param>
    /// <exception cref="ArgumentException">The numbers of features differ.</exception>
    public void Merge(ActivationStatistics other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.Features != Features)
        {
            throw new ArgumentException($"Statistics of {other.Features} features cannot be merged into those of "
                + $"{Features}.", nameof(other));
        }

        System.Numerics.Tensors.TensorPrimitives.Add(_sumOfSquares, other._sumOfSquares, _sumOfSquares);
        TokenCount += other.TokenCount;
    }

    private static void AddSquares(ReadOnlySpan<float> values, Span<double> sums)
    {
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(values[i..]), out Vector<double> low, out Vector<double> high);
            Span<double> target = sums[i..];
            (new Vector<double>(target) + low * low).CopyTo(target);
            target = target[Vector<double>.Count..];
            (new Vector<double>(target) + high * high).CopyTo(target);
        }

        for (; i < values.Length; i++) sums[i] += (double)values[i] * values[i];
    }
}
