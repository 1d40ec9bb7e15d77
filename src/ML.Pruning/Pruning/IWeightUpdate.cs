using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Moves the weights that stay, so that they make up for those that go.</summary>
/// <remarks>Implementations are immutable and thread-safe.</remarks>
public interface IWeightUpdate
{
    /// <summary>Name, such as <c>sparsegpt</c>.</summary>
    string Name { get; }

    /// <summary>Which statistics of the inputs it needs, hence whether it needs calibration text.</summary>
    StatisticsNeeds Needs { get; }

    /// <summary>Whether it changes biases, so that maps without one get one.</summary>
    bool ChangesBias => false;

    /// <summary>Updates one tensor.</summary>
    /// <param name="tensorName">Canonical name, for messages.</param>
    /// <param name="weight">W [rows, columns], row-major; on return the updated weights, 0 where the mask removes.
    /// Weights that are 0 already stay 0.</param>
    /// <param name="mask">What stays, [rows, columns].</param>
    /// <param name="statistics">Statistics of the input features.</param>
    /// <param name="cancellationToken">Checked now and then.</param>
    /// <returns>What happened.</returns>
    /// <exception cref="PruningException">The equations cannot be solved; the message names the tensor.</exception>
    WeightUpdateResult Update(string tensorName, float[] weight, WeightMask mask, ActivationStatistics statistics,
        CancellationToken cancellationToken);

    /// <summary>The options that influence the weights, for provenance.</summary>
    /// <returns>An object of options; empty when there are none.</returns>
    JsonObject Options() => [];
}

/// <summary>What a weight update did to a tensor.</summary>
/// <param name="SquaredError">tr(D H D^T), where D is the change of the weights and H the damped Hessian 2/n sum x x^T:
/// twice the mean squared change of the tensor's outputs over the tokens, plus the damping; NaN for an update without a
/// Hessian.</param>
/// <param name="AskedDamping">Damping asked for, as a fraction of the mean of H's diagonal.</param>
/// <param name="UsedDamping">Damping used; more than asked for when H had no Cholesky factor.</param>
public sealed record WeightUpdateResult(double SquaredError, double AskedDamping, double UsedDamping)
{
    /// <summary>What is added to the bias of the map [rows]; null = nothing.</summary>
    public float[]? BiasChange { get; init; }

    /// <summary>How the weights were put on a grid, if the update did that.</summary>
    internal GridRounding? Rounding { get; init; }
}
