using System.Runtime.InteropServices;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Calibration;

/// <summary>A whole decoder in float32 with the loss of calibration windows and its gradients by some
/// weights.</summary>
/// <remarks>The loss of a window is the mean cross-entropy, in nats, of its length - 1 next-token predictions. Not
/// thread-safe; everything belongs on one thread. Dispose it to free the weights.</remarks>
internal sealed class DifferentiableModel : IDisposable
{
    // Logits that a batch of windows aims at, and tokens; the graph of a batch lives until its backward pass.
    private const long LogitsPerBatch = 1 << 24;
    private const int TokensPerBatch = 1024;
    private const long RuntimeBytes = 192L << 20;

    private readonly TorchDecoder _decoder;
    private readonly TokenWindows _windows;

    /// <summary>Loads a model.</summary>
    /// <param name="model">The model, with weights.</param>
    /// <param name="windows">The windows, at least one.</param>
    /// <param name="tensors">Canonical names of the weights to differentiate by.</param>
    public DifferentiableModel(LanguageModel model, TokenWindows windows, IReadOnlyCollection<string> tensors)
    {
        EngineArguments.RequireDecoder(model.Spec);
        _windows = windows;
        _decoder = TorchDecoder.Load(model);
        Dictionary<string, Parameter> byName = _decoder.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        Parameters = [.. tensors.Select(name => (name, byName[name]))];
        foreach ((_, Parameter parameter) in Parameters) parameter.requires_grad = true;
    }

    /// <summary>The weights to differentiate by, in the order asked for.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Parameters { get; }

    /// <summary>Windows that run at once where single gradients are not wanted.</summary>
    public static int WindowsPerBatch(ModelSpec spec, int length)
    {
        long tokens = Math.Min(TokensPerBatch, LogitsPerBatch / spec.VocabularySize);
        return (int)Math.Max(1, tokens / length);
    }

    /// <summary>Bytes that the model and one backward pass hold at most, estimated from shapes: all weights in float32,
    /// a gradient of each weight to differentiate by, what the forward pass keeps for the backward one, three times the
    /// logits, and torch itself.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="differentiated">Weights to differentiate by.</param>
    /// <param name="windows">Windows that run at once.</param>
    /// <param name="length">Tokens in a window.</param>
    public static long EstimateBytes(ModelSpec spec, long differentiated, int windows, int length)
    {
        long kept = 0;
        foreach (LayerSpec layer in spec.Layers)
        {
            long perToken = 10L * spec.HiddenSize + 8L * (layer.QueryWidth + layer.KeyValueWidth) + 6L * layer.MlpWidth;
            kept += windows * (length * perToken + 3L * layer.Heads * length * length);
        }

        long logits = 3L * windows * length * spec.VocabularySize;
        return RuntimeBytes + sizeof(float) * (spec.ParameterCount + differentiated + kept + logits);
    }

    /// <summary>Computes the gradients of the summed loss of windows; earlier ones are gone.</summary>
    /// <param name="first">The first window; the windows go round.</param>
    /// <param name="count">How many windows, at least 1.</param>
    /// <param name="scale">Factor of the sum.</param>
    /// <returns>The sum, before the factor.</returns>
    public double Differentiate(int first, int count, double scale = 1)
    {
        using IDisposable gradients = enable_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach ((_, Parameter parameter) in Parameters) parameter.grad = null;
        int length = _windows.Length;
        var tokens = new int[count * length];
        for (int i = 0; i < count; i++) _windows[(first + i) % _windows.Count].CopyTo(tokens.AsSpan(i * length));
        Tensor input = TorchWeights.ToTokens(tokens, count);
        Tensor hidden = _decoder.Hidden(input, null).narrow(1, 0, length - 1).reshape(-1, _decoder.Spec.HiddenSize);
        Tensor targets = input.narrow(1, 1, length - 1).reshape(-1);
        Tensor sum = nn.functional.cross_entropy(_decoder.Head.Forward(hidden), targets).mul(count);
        sum.mul(scale).backward();
        return sum.ToDouble();
    }

    /// <summary>Looks at a weight and its gradient.</summary>
    /// <param name="parameter">One of <see cref="Parameters"/>, after <see cref="Differentiate"/>.</param>
    /// <param name="look">Called with weights and gradient, both [count], row-major.</param>
    public static void Look(Parameter parameter, LookAction look)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = parameter.detach();
        Tensor gradient = parameter.grad!.contiguous();
        look(MemoryMarshal.Cast<byte, float>(weight.bytes), MemoryMarshal.Cast<byte, float>(gradient.bytes));
    }

    /// <inheritdoc/>
    public void Dispose() => _decoder.Dispose();

    /// <summary>Looks at weights and their gradient.</summary>
    internal delegate void LookAction(ReadOnlySpan<float> weight, ReadOnlySpan<float> gradient);
}
