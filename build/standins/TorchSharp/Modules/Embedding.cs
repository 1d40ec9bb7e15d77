using TorchSharp.PInvoke;
using TorchSharp.Utils;

namespace TorchSharp.Modules;

/// <summary>A table of vectors, read by index.</summary>
public sealed class Embedding : torch.nn.Module<torch.Tensor, torch.Tensor>
{
    private readonly long _paddingIndex;

    [ComponentName(Name = nameof(weight))]
    private Parameter _weight;

    internal Embedding(torch.Tensor weights, bool freeze, long? paddingIndex)
        : base(nameof(Embedding))
    {
        _paddingIndex = paddingIndex ?? -1;
        weight = new Parameter(weights, !freeze);
    }

    public Parameter weight
    {
        get => _weight;
        set
        {
            _weight = value;
            _weight?.DetachFromDisposeScope();
            ConditionallyRegisterParameter(nameof(weight), value);
        }
    }

    public override torch.Tensor forward(torch.Tensor input) => Ops.embedding.Call(weight, input, _paddingIndex);

    internal static Embedding Create(
        long count, long size, long? paddingIndex, torch.Device device, torch.ScalarType? dtype)
    {
        using var scope = torch.NewDisposeScope();
        var weights = torch.empty([count, size], dtype, device).normal_();
        if (paddingIndex is long index)
            weights[index].fill_(0);
        return new Embedding(weights, freeze: false, paddingIndex);
    }
}
