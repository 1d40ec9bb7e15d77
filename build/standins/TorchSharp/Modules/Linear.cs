using TorchSharp.Utils;

namespace TorchSharp.Modules;

/// <summary>y = x W^T + b.</summary>
public sealed class Linear : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    [ComponentName(Name = nameof(weight))]
    private Parameter _weight;

    [ComponentName(Name = nameof(bias))]
    private Parameter _bias;

    internal Linear(Parameter weight, Parameter bias)
        : base(nameof(Linear))
    {
        out_features = weight.shape[0];
        in_features = weight.shape[1];
        this.weight = weight;
        if (bias is not null)
            this.bias = bias;
    }

    internal Linear(long inputSize, long outputSize, bool hasBias, torch.Device device, torch.ScalarType? dtype)
        : base(nameof(Linear))
    {
        in_features = inputSize;
        out_features = outputSize;
        using var scope = torch.NewDisposeScope();
        var w = torch.empty([outputSize, inputSize], dtype, device);
        weight = new Parameter(torch.nn.init.kaiming_uniform_(w, Math.Sqrt(5)));
        if (!hasBias)
            return;
        double bound = inputSize > 0 ? 1 / Math.Sqrt(inputSize) : 0;
        bias = new Parameter(torch.empty([outputSize], dtype, device).uniform_(-bound, bound));
    }

    public long in_features { get; set; }

    public long out_features { get; set; }

    public Parameter weight
    {
        get => _weight;
        set => Replace(ref _weight, value, nameof(weight));
    }

    public Parameter bias
    {
        get => _bias;
        set => Replace(ref _bias, value, nameof(bias));
    }

    public override torch.Tensor forward(torch.Tensor tensor) => torch.nn.functional.linear(tensor, weight, bias);

    private void Replace(ref Parameter field, Parameter value, string key)
    {
        field = value;
        field?.DetachFromDisposeScope();
        ConditionallyRegisterParameter(key, value);
    }
}
