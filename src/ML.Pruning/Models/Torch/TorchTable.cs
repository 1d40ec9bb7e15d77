using ML.Pruning.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>A matrix [rows, hidden] used row by row (embedding) or as a linear map (head).</summary>
internal sealed class TorchTable : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    private TorchTable(Parameter weight, Parameter? bias)
        : base(nameof(TorchTable))
    {
        _weight = weight;
        _bias = bias;
        RegisterComponents();
    }

    /// <summary>The matrix [rows, hidden].</summary>
    public Parameter Weight => _weight;

    /// <summary>What is added when the matrix is used as a linear map [rows]; null = nothing.</summary>
    public Parameter? Bias => _bias;

    /// <summary>Loads a matrix.</summary>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <param name="name">Canonical name.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="type">The type to compute in.</param>
    /// <param name="biasName">Canonical name of the bias; null = there is none.</param>
    /// <returns>The module.</returns>
    /// <exception cref="ModelFormatException">The weight is missing or has another shape.</exception>
    public static TorchTable Load(IReadOnlyDictionary<string, StoredTensor> weights, string name, long rows,
        long columns, ScalarType type, string? biasName = null) => new(
        TorchWeights.ToParameter(weights, name, [rows, columns], type),
        biasName is null ? null : TorchWeights.ToParameter(weights, biasName, [rows], type));

    /// <summary>The same matrix with a bias of its own; disposing either frees the matrix.</summary>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <param name="biasName">Canonical name of the bias.</param>
    /// <param name="type">The type to compute in.</param>
    /// <returns>The module.</returns>
    /// <exception cref="ModelFormatException">The bias is missing or has another shape.</exception>
    public TorchTable Share(IReadOnlyDictionary<string, StoredTensor> weights, string biasName, ScalarType type) =>
        new(_weight, TorchWeights.ToParameter(weights, biasName, [_weight.shape[0]], type));

    /// <summary>Looks rows up.</summary>
    /// <param name="input">Indices [B, T], int64.</param>
    /// <returns>[B, T, hidden].</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = _weight.index_select(0, input.reshape(-1));
        return rows.view(input.shape[0], input.shape[1], _weight.shape[1]).MoveToOuterDisposeScope();
    }

    /// <summary>Uses the matrix as a linear map x W^T + b.</summary>
    /// <param name="input">[.., columns].</param>
    /// <returns>[.., rows], in the type of the input.</returns>
    public Tensor Map(Tensor input)
    {
        Tensor? bias = _bias is null ? null : TorchWeights.As(_bias, input);
        return nn.functional.linear(input, TorchWeights.As(_weight, input), bias);
    }
}
