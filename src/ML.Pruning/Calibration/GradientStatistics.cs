using System.Numerics.Tensors;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Calibration;

/// <summary>What backward passes saw of one weight matrix: per weight the sum of the gradients of the loss, of their
/// squares, and the weight's movement in a training run, as far as they are asked for.</summary>
/// <remarks>
/// <para>The loss of a window is the mean next-token cross-entropy (in nats) of its predictions. With g_n the gradient
/// of window n of N: the mean gradient is 1/N sum g_n, the diagonal of the empirical Fisher information 1/N sum g_n^2.
/// In float64 and in the order of the windows, so that the number of threads does not change a bit of the sums.</para>
/// <para>Takes 8 bytes a weight for each of the three. Not thread-safe while being added to.</para>
/// </remarks>
public sealed class GradientStatistics
{
    private const int WeightsPerTask = 1 << 14;

    private readonly double[] _sum;
    private readonly double[] _sumOfSquares;
    private readonly double[] _movement;

    /// <summary>Starts with nothing seen.</summary>
    /// <param name="count">Weights of the matrix, at least 1.</param>
    /// <param name="needs">What to gather, of gradients, squared gradients and movement.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is not one weight.</exception>
    /// <exception cref="ArgumentException">Nothing is to be gathered.</exception>
    public GradientStatistics(int count, StatisticsNeeds needs)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Needs = needs.OfGradients();
        if (Needs == StatisticsNeeds.None)
            throw new ArgumentException($"Gradient statistics were asked to gather '{needs}'.", nameof(needs));
        Count = count;
        _sum = Room(StatisticsNeeds.Gradient);
        _sumOfSquares = Room(StatisticsNeeds.SquaredGradient);
        _movement = Room(StatisticsNeeds.Movement);

        double[] Room(StatisticsNeeds need) => Needs.HasFlag(need) ? new double[count] : [];
    }

    /// <summary>Starts with what was seen before; the sums are to be filled in.</summary>
    internal GradientStatistics(int count, StatisticsNeeds needs, int windows, int steps)
        : this(count, needs) => (WindowCount, StepCount) = (windows, steps);

    /// <summary>Weights of the matrix.</summary>
    public int Count { get; }

    /// <summary>What is gathered.</summary>
    public StatisticsNeeds Needs { get; }

    /// <summary>Windows seen by <see cref="Add"/>.</summary>
    public int WindowCount { get; private set; }

    /// <summary>Steps seen by <see cref="AddStep"/>.</summary>
    public int StepCount { get; private set; }

    /// <summary>Sum over windows of the gradient [count], row-major; empty unless gathered.</summary>
    public ReadOnlySpan<double> SumOfGradients => _sum;

    /// <summary>Sum over windows of the squared gradient [count], row-major; empty unless gathered.</summary>
    public ReadOnlySpan<double> SumOfSquares => _sumOfSquares;

    /// <summary>Movement S = - rate sum over steps t of g_t w_t [count], row-major; empty unless gathered.</summary>
    public ReadOnlySpan<double> Movement => _movement;

    /// <summary>Whether all sums are finite; false after a gradient was NaN or infinite.</summary>
    public bool IsFinite => AreFinite(_sum) && AreFinite(_sumOfSquares) && AreFinite(_movement);

    /// <summary>Adds the gradient of a window, or the sum of the gradients of several.</summary>
    /// <param name="gradient">Gradient [count], row-major.</param>
    /// <param name="windows">Windows that it sums up; 1 where squares are gathered.</param>
    /// <exception cref="ArgumentException">The length differs, or squares are gathered and there is not one
    /// window.</exception>
    public unsafe void Add(ReadOnlySpan<float> gradient, int windows = 1)
    {
        RequireLength(gradient.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(windows, 1);
        if (windows > 1 && _sumOfSquares.Length > 0)
        {
            throw new ArgumentException($"The sum of {windows} gradients has no squares of single ones; add them one "
                + "by one.", nameof(windows));
        }

        fixed (float* pinned = gradient)
        {
            float* start = pinned;
            ForEachTask((first, count) =>
            {
                using var buffer = new PooledBuffer<double>(count);
                Span<double> g = buffer.Span;
                TensorPrimitives.ConvertTruncating(new ReadOnlySpan<float>(start + first, count), g);
                if (_sum.Length > 0) Accumulate(_sum.AsSpan(first, count), g);
                if (_sumOfSquares.Length == 0) return;
                TensorPrimitives.Multiply(g, g, g);
                Accumulate(_sumOfSquares.AsSpan(first, count), g);
            });
        }

        WindowCount += windows;
    }

    /// <summary>Adds a step of a training run to the movement.</summary>
    /// <param name="weight">Weights before the step [count], row-major.</param>
    /// <param name="gradient">Gradient at these weights [count], row-major.</param>
    /// <param name="rate">Learning rate, above 0.</param>
    /// <exception cref="ArgumentException">A length differs.</exception>
    /// <exception cref="InvalidOperationException">Movement is not gathered.</exception>
    public unsafe void AddStep(ReadOnlySpan<float> weight, ReadOnlySpan<float> gradient, double rate)
    {
        if (_movement.Length == 0) throw new InvalidOperationException("These statistics do not gather movement.");
        RequireLength(weight.Length);
        RequireLength(gradient.Length);
        fixed (float* pinnedWeight = weight, pinnedGradient = gradient)
        {
            float* weights = pinnedWeight, gradients = pinnedGradient;
            ForEachTask((first, count) =>
            {
                Span<double> sums = _movement.AsSpan(first, count);
                for (int i = 0; i < count; i++)
                    sums[i] -= rate * gradients[first + i] * weights[first + i];
            });
        }

        StepCount++;
    }

    /// <summary>The sums [count] of one kind, to be stored or filled in.</summary>
    internal Memory<double> Sums(StatisticsNeeds need) => need switch
    {
        StatisticsNeeds.Gradient => _sum,
        StatisticsNeeds.SquaredGradient => _sumOfSquares,
        _ => _movement,
    };

    // Of no numbers TensorPrimitives says that not all are finite.
    private static bool AreFinite(ReadOnlySpan<double> sums) => sums.IsEmpty || TensorPrimitives.IsFiniteAll(sums);

    private static void Accumulate(Span<double> sums, ReadOnlySpan<double> values) =>
        TensorPrimitives.Add(sums, values, sums);

    private void ForEachTask(Action<int, int> body) => RowChunks.For(
        (Count + WeightsPerTask - 1) / WeightsPerTask,
        task => body(task * WeightsPerTask, Math.Min(WeightsPerTask, Count - task * WeightsPerTask)),
        CancellationToken.None);

    private void RequireLength(int length)
    {
        if (length != Count)
            throw new ArgumentException($"{length} numbers were given for a matrix of {Count} weights.");
    }
}
