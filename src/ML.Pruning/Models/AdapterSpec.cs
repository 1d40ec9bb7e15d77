using System.Text.Json.Serialization;

namespace ML.Pruning.Models;

/// <summary>A low-rank adapter (LoRA, Hu et al. 2021, arXiv:2106.09685) on one linear map of a model:
/// y = W x + s M * (B A) x.</summary>
/// <remarks>
/// <para>A [rank, inFeatures], B [outFeatures, rank]; s = alpha / rank, or alpha / sqrt(rank) with
/// <see cref="RankStabilized"/> (Kalajdzievski 2023, arXiv:2312.03732).</para>
/// <para>With <see cref="KeepsZeros"/> M is 0 where W is 0 and else 1, so that merging keeps every zero; without it M
/// is 1 everywhere.</para>
/// <para>With <see cref="HasMagnitude"/> (DoRA, Liu et al. 2024, arXiv:2402.09353, eq. 5) each row of V = W + s M *
/// (B A) is scaled to a length of its own: y = (m / |V|) V x, m [outFeatures].</para>
/// </remarks>
public sealed record AdapterSpec
{
    /// <summary>Layer of the linear map, from 0.</summary>
    public required int Layer { get; init; }

    /// <summary>The linear map in it, such as <see cref="TensorNames.Query"/>.</summary>
    public required string Part { get; init; }

    /// <summary>Rank, at least 1.</summary>
    public required int Rank { get; init; }

    /// <summary>Alpha: how strong the update is.</summary>
    public required double Alpha { get; init; }

    /// <summary>Whether alpha is divided by the root of the rank instead of the rank.</summary>
    public bool RankStabilized { get; init; }

    /// <summary>Whether there is a length for each row (DoRA).</summary>
    public bool HasMagnitude { get; init; }

    /// <summary>Whether weights that are zero stay zero.</summary>
    public bool KeepsZeros { get; init; }

    /// <summary>s, the factor of B A.</summary>
    [JsonIgnore]
    public double Scale => RankStabilized ? Alpha / Math.Sqrt(Rank) : Alpha / Rank;

    /// <summary>Canonical name of the weight W that is adapted.</summary>
    [JsonIgnore]
    public string WeightName => TensorNames.Weight(Layer, Part);

    /// <summary>Canonical name of A [rank, inFeatures].</summary>
    [JsonIgnore]
    public string AName => $"layers.{Layer}.{Part}.lora_A";

    /// <summary>Canonical name of B [outFeatures, rank].</summary>
    [JsonIgnore]
    public string BName => $"layers.{Layer}.{Part}.lora_B";

    /// <summary>Canonical name of m [outFeatures].</summary>
    [JsonIgnore]
    public string MagnitudeName => $"layers.{Layer}.{Part}.lora_magnitude";

    /// <summary>The parameter tensors of the adapter.</summary>
    /// <param name="linear">The linear map that it is on.</param>
    /// <returns>A, B and, if there is one, m.</returns>
    public IEnumerable<ParameterSpec> Parameters(LinearSpec linear)
    {
        ArgumentNullException.ThrowIfNull(linear);
        yield return new(AName, [Rank, linear.InFeatures], ParameterRole.Adapter, Layer, Part);
        yield return new(BName, [linear.OutFeatures, Rank], ParameterRole.Adapter, Layer, Part);
        if (HasMagnitude)
            yield return new(MagnitudeName, [linear.OutFeatures], ParameterRole.Adapter, Layer, Part);
    }
}
