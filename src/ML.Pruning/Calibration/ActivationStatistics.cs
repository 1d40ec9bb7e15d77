using System.Numerics;
using System.Runtime.InteropServices;
using ML.Pruning.Checkpoints;
using ML.Pruning.Sparsity;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Calibration;

/// <summary>What calibration saw of the input of a linear map: per feature the sum of squares over all tokens; if they
/// are asked for other moments, and the sum of x x^T.</summary>
/// <remarks>
/// <para>sumOfSquares[i] = sum over tokens t of x[t, i]^2, in float64 and in the order of the tokens, so that the
/// number of threads does not change a bit. H = 2/n sum over tokens of x x^T, products and sums in float64.</para>
/// <para>Not thread-safe while being added to. Dispose it if it holds a Hessian, which takes 8 features^2 bytes.</para>
/// </remarks>
public sealed class ActivationStatistics : IDisposable
{
    private const int FeaturesPerTask = 256;

    private readonly double[] _sumOfSquares;
    private readonly InputMoments? _moments;
    private readonly InputSample? _sample;
    private readonly Lock _gate = new();
    private HessianSum? _hessian;
    private HessianFactor? _factor;
    private HessianDiagonals? _diagonals;

    /// <summary>Starts with no token seen.</summary>
    /// <param name="features">Input features, at least 1.</param>
    /// <param name="needs">What to gather; sums of squares are always there.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is not one feature.</exception>
    public ActivationStatistics(int features, StatisticsNeeds needs = StatisticsNeeds.SumSquares)
        : this(features, needs, null)
    {
    }

    /// <summary>Starts with no token seen.</summary>
    /// <param name="features">Input features, at least 1.</param>
    /// <param name="needs">What to gather; sums of squares are always there.</param>
    /// <param name="sample">Takes some tokens, and goes with the Hessian; null = none are kept.</param>
    internal ActivationStatistics(int features, StatisticsNeeds needs, InputSample? sample)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        _sumOfSquares = new double[features];
        _sample = sample;
        if (needs.HasFlag(StatisticsNeeds.Moments)) _moments = new InputMoments(features);
        if (needs.HasFlag(StatisticsNeeds.Hessian)) _hessian = new HessianSum(features);
    }

    /// <summary>Starts with tokens seen before, whose sums are to be filled in.</summary>
    internal ActivationStatistics(int features, StatisticsNeeds needs, long tokens)
        : this(features, needs, null) => TokenCount = tokens;

    /// <summary>Input features.</summary>
    public int Features => _sumOfSquares.Length;

    /// <summary>Tokens seen.</summary>
    public long TokenCount { get; private set; }

    /// <summary>Sum of squares [features] over all tokens.</summary>
    public ReadOnlySpan<double> SumOfSquares => _sumOfSquares;

    /// <summary>Sum of x [features] over all tokens.</summary>
    /// <exception cref="InvalidOperationException">Moments were not asked for.</exception>
    public ReadOnlySpan<double> Sum => RequireMoments().Sum;

    /// <summary>Sum of |x| [features] over all tokens.</summary>
    /// <exception cref="InvalidOperationException">Moments were not asked for.</exception>
    public ReadOnlySpan<double> SumOfMagnitudes => RequireMoments().SumOfMagnitudes;

    /// <summary>Largest |x| [features] over all tokens.</summary>
    /// <exception cref="InvalidOperationException">Moments were not asked for.</exception>
    public ReadOnlySpan<double> Largest => RequireMoments().Largest;

    /// <summary>Sums of squares [features], to be stored or filled in.</summary>
    internal Memory<double> Squares => _sumOfSquares;

    /// <summary>Sums of x and |x|, and the largest |x| [features], to be stored or filled in; empty unless they were
    /// asked for.</summary>
    internal Memory<double>[] MomentSums =>
        _moments is null ? [] : [_moments.Sum, _moments.SumOfMagnitudes, _moments.Largest];

    /// <summary>Some of the tokens, if any were to be kept.</summary>
    internal InputSample? Sample => _sample;

    /// <summary>Whether all sums are finite; false after an activation was NaN or infinite.</summary>
    public bool IsFinite => !_sumOfSquares.Any(s => !double.IsFinite(s));

    /// <summary>Whether the sum of x x^T is here.</summary>
    public bool HasHessian => _hessian is not null;

    /// <summary>Adds tokens.</summary>
    /// <param name="inputs">Inputs [tokens, features], row-major.</param>
    /// <exception cref="ArgumentException">The length is no multiple of the number of features.</exception>
    public void Add(ReadOnlySpan<float> inputs)
    {
        AddSquares(inputs);
        _moments?.Add(inputs);
        if (_hessian is null || inputs.IsEmpty) return;
        using Tensor copy = empty([inputs.Length / Features, Features], dtype: ScalarType.Float32);
        inputs.CopyTo(MemoryMarshal.Cast<byte, float>(copy.bytes));
        _hessian.Add(copy);
    }

    /// <summary>Adds tokens.</summary>
    /// <param name="inputs">Inputs [.., features].</param>
    internal void Add(Tensor inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor dense = inputs.to_type(ScalarType.Float32).contiguous();
        AddSquares(MemoryMarshal.Cast<byte, float>(dense.bytes));
        _moments?.Add(MemoryMarshal.Cast<byte, float>(dense.bytes));
        _sample?.Add(dense.reshape(-1, Features));
        _hessian?.Add(dense);
    }

    private unsafe void AddSquares(ReadOnlySpan<float> inputs)
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

        if (_hessian is not null)
        {
            _hessian.Merge(other._hessian ?? throw new ArgumentException(
                "Statistics without a Hessian cannot be merged into those with one.", nameof(other)));
        }

        if (_moments is not null)
        {
            _moments.Merge(other._moments ?? throw new ArgumentException(
                "Statistics without moments cannot be merged into those with them.", nameof(other)));
        }

        System.Numerics.Tensors.TensorPrimitives.Add(_sumOfSquares, other._sumOfSquares, _sumOfSquares);
        TokenCount += other.TokenCount;
    }

    /// <summary>Copies H = 2/n sum x x^T out.</summary>
    /// <param name="hessian">Destination [features, features], row-major.</param>
    /// <exception cref="ArgumentException">The length differs.</exception>
    /// <exception cref="InvalidOperationException">No Hessian was asked for, or no token was seen.</exception>
    public void CopyHessian(Span<double> hessian)
    {
        if (hessian.Length != (long)Features * Features)
        {
            throw new ArgumentException($"Room for {hessian.Length} numbers was given for a Hessian of [{Features}, "
                + $"{Features}].", nameof(hessian));
        }

        using Tensor full = RequireHessian().ToHessian(TokenCount);
        for (int row = 0; row < Features; row++)
        {
            using Tensor values = full.select(0, row);
            MemoryMarshal.Cast<byte, double>(values.bytes).CopyTo(hessian.Slice(row * Features, Features));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => ReleaseHessian();

    /// <summary>Writes the upper triangle of the sum of x x^T, row after row.</summary>
    internal void WriteHessian(Stream stream) => RequireHessian().WriteTriangle(stream);

    /// <summary>Reads what <see cref="WriteHessian"/> wrote.</summary>
    internal void ReadHessian(StoredTensor triangle) => RequireHessian().ReadTriangle(triangle);

    /// <summary>The factorised Hessian, kept until <see cref="ReleaseFactor"/>. Thread-safe.</summary>
    /// <param name="damping">Fraction of the mean of the diagonal, at least 0.</param>
    internal HessianFactor Factor(double damping)
    {
        lock (_gate)
        {
            if (_factor?.Asked == damping) return _factor;
            ReleaseFactor();
            _factor = HessianFactor.Of(RequireHessian(), TokenCount, damping);
            _diagonals = _factor.Diagonals();
            return _factor;
        }
    }

    /// <summary>The diagonals of the factorised Hessian, which outlive it. Thread-safe.</summary>
    /// <param name="damping">Fraction of the mean of the diagonal, at least 0.</param>
    internal HessianDiagonals Diagonals(double damping)
    {
        lock (_gate)
        {
            if (_diagonals?.Asked == damping) return _diagonals;
            using HessianFactor factor = HessianFactor.Of(RequireHessian(), TokenCount, damping);
            return _diagonals = factor.Diagonals();
        }
    }

    /// <summary>Gives the memory of the factor back.</summary>
    internal void ReleaseFactor()
    {
        _factor?.Dispose();
        _factor = null;
    }

    /// <summary>Gives the memory of Hessian, factor and sample back; diagonals stay.</summary>
    internal void ReleaseHessian()
    {
        ReleaseFactor();
        _hessian?.Dispose();
        _hessian = null;
        _sample?.Dispose();
    }

    private InputMoments RequireMoments() =>
        _moments ?? throw new InvalidOperationException("The statistics hold no moments.");

    private HessianSum RequireHessian()
    {
        if (_hessian is null) throw new InvalidOperationException("The statistics hold no Hessian.");
        return TokenCount > 0 ? _hessian : throw new InvalidOperationException("The statistics have seen no token.");
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
