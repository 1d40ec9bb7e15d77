using System.Numerics.Tensors;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Calibration;

/// <summary>Per input feature the sum of x, the sum of |x| and the largest |x| over all tokens.</summary>
/// <remarks>In float64 and in the order of the tokens, so that the number of threads does not change a bit. Not
/// thread-safe.</remarks>
internal sealed class InputMoments(int features)
{
    private const int FeaturesPerTask = 256;

    /// <summary>Sum of x [features].</summary>
    public double[] Sum { get; } = new double[features];

    /// <summary>Sum of |x| [features].</summary>
    public double[] SumOfMagnitudes { get; } = new double[features];

    /// <summary>Largest |x| [features].</summary>
    public double[] Largest { get; } = new double[features];

    /// <summary>Adds tokens.</summary>
    /// <param name="inputs">Inputs [tokens, features], row-major.</param>
    public unsafe void Add(ReadOnlySpan<float> inputs)
    {
        int tokens = inputs.Length / features;
        fixed (float* pinned = inputs)
        {
            float* start = pinned;
            RowChunks.For((features + FeaturesPerTask - 1) / FeaturesPerTask, task =>
            {
                int first = task * FeaturesPerTask, count = Math.Min(FeaturesPerTask, features - first);
                for (int t = 0; t < tokens; t++)
                    Add(new ReadOnlySpan<float>(start + (long)t * features + first, count), first);
            }, CancellationToken.None);
        }
    }

    /// <summary>Adds what others saw.</summary>
    public void Merge(InputMoments other)
    {
        TensorPrimitives.Add(Sum, other.Sum, Sum);
        TensorPrimitives.Add(SumOfMagnitudes, other.SumOfMagnitudes, SumOfMagnitudes);
        TensorPrimitives.MaxMagnitude(Largest, other.Largest, Largest);
    }

    private void Add(ReadOnlySpan<float> token, int first)
    {
        Span<double> values = stackalloc double[token.Length];
        TensorPrimitives.ConvertTruncating(token, values);
        Span<double> sum = Sum.AsSpan(first, token.Length), largest = Largest.AsSpan(first, token.Length);
        TensorPrimitives.Add(sum, values, sum);
        TensorPrimitives.Abs(values, values);
        Span<double> magnitudes = SumOfMagnitudes.AsSpan(first, token.Length);
        TensorPrimitives.Add(magnitudes, values, magnitudes);
        TensorPrimitives.Max(largest, values, largest);
    }
}
