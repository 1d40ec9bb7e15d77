using System.Globalization;

namespace ML.Pruning.Benchmarks.Pruning;

/// <summary>What pruning one model in a fresh process took.</summary>
/// <param name="Method">The method.</param>
/// <param name="Layers">Decoder layers.</param>
/// <param name="Parameters">Parameters of the model.</param>
/// <param name="Windows">Calibration windows.</param>
/// <param name="WindowLength">Tokens in a window.</param>
/// <param name="Threads">Threads of matrix products.</param>
/// <param name="Seconds">Time of the run, from the open model to the pruned one in files.</param>
/// <param name="MatrixProductSeconds">Of that, time in matrix products, factorisations and solves, measured.</param>
/// <param name="MatrixProductShare">The fraction.</param>
/// <param name="SecondsByKind">The same by kind of product.</param>
/// <param name="Float32Operations">Operations that cannot be done without, in float32.</param>
/// <param name="Float64Operations">In float64.</param>
/// <param name="Float32Rate">Operations a second of a large float32 product in the same process, at once after.</param>
/// <param name="Float64Rate">Of a float64 product.</param>
/// <param name="FloorSeconds">The operations at these rates.</param>
/// <param name="RatioToFloor">Seconds over FloorSeconds.</param>
/// <param name="PeakMemoryBytes">Most memory that the process held (VmHWM), pruning included, the rest of the
/// measurement not.</param>
/// <param name="BoundBytes">One float32 layer, the layer's Hessians, calibration activations and 1 GB.</param>
/// <param name="IsWithinBound">Whether the peak stays below it.</param>
/// <param name="EstimatedBytes">What the plan foresaw.</param>
internal sealed record PruningCost(
    string Method, int Layers, long Parameters, int Windows, int WindowLength, int Threads, double Seconds,
    double MatrixProductSeconds, double MatrixProductShare, IReadOnlyDictionary<string, double> SecondsByKind,
    double Float32Operations, double Float64Operations, double Float32Rate, double Float64Rate, double FloorSeconds,
    double RatioToFloor, long PeakMemoryBytes, long BoundBytes, bool IsWithinBound, long EstimatedBytes)
{
    public override string ToString()
    {
        string kinds = string.Join(", ", SecondsByKind.Select(
            k => string.Create(CultureInfo.InvariantCulture, $"{k.Key} {k.Value:0.0}")));
        return string.Create(CultureInfo.InvariantCulture,
            $"{Method}, {Layers} layers, {Windows} windows of {WindowLength}, {Threads} threads: {Seconds:0.0} s, of "
            + $"which {MatrixProductShare:P0} in matrix products ({kinds}), {RatioToFloor:0.00} times the floor of "
            + $"{FloorSeconds:0.0} s; peak {PeakMemoryBytes >> 20} MiB, bound {BoundBytes >> 20} MiB, foreseen "
            + $"{EstimatedBytes >> 20} MiB");
    }
}
