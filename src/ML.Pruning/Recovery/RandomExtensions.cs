namespace ML.Pruning.Recovery;

/// <summary>Normal numbers.</summary>
internal static class RandomExtensions
{
    /// <summary>A number from the standard normal distribution.</summary>
    /// <remarks>Box and Muller 1958; 1 - u keeps the logarithm's argument above 0.</remarks>
    public static double NextNormal(this Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
