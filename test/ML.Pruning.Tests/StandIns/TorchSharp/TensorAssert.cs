using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.StandIns.TorchSharp;

/// <summary>Comparisons of tensors with numbers worked out by hand.</summary>
internal static class TensorAssert
{
    /// <summary>Compares shape and values; the tolerance is relative to the larger of 1 and the expected
    /// value.</summary>
    internal static void AreEqual(Tensor actual, long[] shape, params double[] expected)
    {
        CollectionAssert.AreEqual(shape, actual.shape);
        using Tensor wide = actual.detach().to_type(ScalarType.Float64);
        double[] values = wide.data<double>().ToArray();
        Assert.HasCount(expected.Length, values);
        for (int i = 0; i < values.Length; i++)
            Assert.AreEqual(expected[i], values[i], 1e-5 * Math.Max(1, Math.Abs(expected[i])), $"element {i}");
    }

    /// <summary>Compares the values of a vector.</summary>
    internal static void AreEqual(Tensor actual, params double[] expected) =>
        AreEqual(actual, [expected.Length], expected);

    /// <summary>Compares a tensor of one element and no dimension.</summary>
    internal static void IsScalar(Tensor actual, double expected) => AreEqual(actual, [], expected);
}
