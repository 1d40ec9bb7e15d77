using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ML.Pruning.Models;

/// <summary>The ALiBi slope of each query head of a layer: how much the score of a key falls for each token between it
/// and the query (Press et al. 2021, arXiv:2108.12409). When a head is removed its slope goes with it.</summary>
/// <remarks>Immutable; equal when all slopes are equal. Thread-safe.</remarks>
[JsonConverter(typeof(Converter))]
public sealed class HeadSlopes : IReadOnlyList<double>, IEquatable<HeadSlopes>
{
    private readonly double[] _slopes;

    /// <summary>Takes slopes.</summary>
    /// <param name="slopes">One for each query head, positive.</param>
    public HeadSlopes(IEnumerable<double> slopes)
    {
        _slopes = [.. slopes];
    }

    /// <inheritdoc/>
    public int Count => _slopes.Length;

    /// <inheritdoc/>
    public double this[int index] => _slopes[index];

    /// <summary>The slopes of a model as trained: for n heads, n a power of two, 2^(-m k / n) for k = 1..n, where m is
    /// the largest exponent; otherwise those of the next lower power of two, then every other one of the next higher
    /// power.</summary>
    /// <param name="heads">Query heads, at least 1.</param>
    /// <param name="largestExponent">m; the paper has 8.</param>
    /// <returns>The slopes.</returns>
    public static HeadSlopes Standard(int heads, double largestExponent = 8)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(heads, 1);
        int power = 1 << int.Log2(heads);
        return new HeadSlopes(Enumerable.Range(1, power).Select(k => Slope(k, power))
            .Concat(Enumerable.Range(0, heads - power).Select(k => Slope(2 * k + 1, 2 * power))));

        double Slope(int k, int n) => Math.Pow(2, -largestExponent * k / n);
    }

    /// <inheritdoc/>
    public bool Equals(HeadSlopes? other) => other is not null && _slopes.AsSpan().SequenceEqual(other._slopes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as HeadSlopes);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (double slope in _slopes) hash.Add(slope);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public IEnumerator<double> GetEnumerator() => _slopes.AsEnumerable().GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private sealed class Converter : JsonConverter<HeadSlopes>
    {
        public override HeadSlopes Read(
            ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(JsonSerializer.Deserialize<double[]>(ref reader, options) ?? []);

        public override void Write(Utf8JsonWriter writer, HeadSlopes value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value._slopes, options);
    }
}
