using System.Diagnostics;
using ML.Pruning.Calibration;
using ML.Pruning.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Benchmarks.Pruning;

/// <summary>The floating-point operations that a pruning run cannot do without, and how fast this machine's matrix
/// products are.</summary>
/// <param name="Float32">Operations in float32: the forward passes.</param>
/// <param name="Float64">Operations in float64: Hessians, their factors, and sweeps.</param>
internal sealed record FloatingPointFloor(double Float32, double Float64)
{
    /// <summary>Counts, two for a multiply-add, half of a symmetric or causal product: each layer runs once as it is
    /// and, but for the last, once pruned; with Hessians also sum of x x^T, Cholesky factor, its inverse, and the
    /// sweep's products.</summary>
    public static FloatingPointFloor Of(ModelSpec spec, int windows, int length, bool hessians)
    {
        double tokens = (double)windows * length, float32 = 0, float64 = 0;
        for (int layer = 0; layer < spec.Layers.Count; layer++)
        {
            int passes = layer == spec.Layers.Count - 1 ? 1 : 2;
            double weights = spec.Linears(layer).Sum(l => (double)l.OutFeatures * l.InFeatures);
            float32 += passes * tokens * (2 * weights + 2.0 * length * spec.Layers[layer].QueryWidth);
            if (!hessians) continue;
            foreach (double features in LinearInput.Of(spec, layer).Select(i => (double)i.Features))
                float64 += tokens * features * features + 2.0 / 3 * features * features * features;
            float64 += spec.Linears(layer).Sum(l => (double)l.OutFeatures * l.InFeatures * l.InFeatures);
        }

        return new FloatingPointFloor(float32, float64);
    }

    /// <summary>Operations a second of a large matrix product.</summary>
    public static double MeasureRate(ScalarType type)
    {
        const int Size = 2048;
        using DisposeScope scope = NewDisposeScope();
        Tensor left = rand([Size, Size], dtype: type), right = rand([Size, Size], dtype: type);
        left.matmul(right).Dispose();
        double best = double.PositiveInfinity;
        for (int run = 0; run < 8; run++)
        {
            long start = Stopwatch.GetTimestamp();
            left.matmul(right).Dispose();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return 2.0 * Size * Size * Size / best;
    }
}
