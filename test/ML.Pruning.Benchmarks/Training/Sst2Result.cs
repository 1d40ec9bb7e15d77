using System.Globalization;

namespace ML.Pruning.Benchmarks.Training;

/// <summary>A classifier with few weights left.</summary>
/// <param name="Method">dense, or how zeros came about.</param>
/// <param name="Asked">Fraction of the weights of the linear maps that was to remain.</param>
/// <param name="Seed">Seed of the order of the texts.</param>
/// <param name="Remaining">Fraction that remains, counted in the weights.</param>
/// <param name="HeldOutAccuracy">Accuracy on the held-out part of the training file, by which the best was
/// chosen.</param>
/// <param name="Accuracy">Accuracy on the development file.</param>
internal sealed record Sst2Result(
    string Method, double Asked, int Seed, double Remaining, double HeldOutAccuracy, double Accuracy)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Method}, {Asked:P0}, seed {Seed}: accuracy {Accuracy:F4} (held out {HeldOutAccuracy:F4}), {Remaining:P2} remain");
}
