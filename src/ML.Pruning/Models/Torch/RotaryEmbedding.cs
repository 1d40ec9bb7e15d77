using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>Rotary positions for one head size (Su et al. 2021, arXiv:2104.09864). Of the first r dimensions of a head,
/// element i of the first half turns with element i of the second half by the angle position * theta^(-2i/r), scaled
/// as the spec says; later dimensions stay.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class RotaryEmbedding : IDisposable
{
    private readonly int _width;
    private readonly int _originalLength;
    private readonly RotaryTable _table;
    private readonly RotaryTable? _longTable;

    /// <summary>Prepares the frequencies.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="headSize">Width of a head.</param>
    /// <param name="type">The type to compute in.</param>
    public RotaryEmbedding(ModelSpec spec, int headSize, ScalarType type)
    {
        _width = spec.RotaryWidth(headSize);
        double factor = spec.RopeScaling?.AttentionFactor ?? 1;
        _table = new RotaryTable(Frequencies(spec, isLong: false), factor, type);
        if (spec.RopeScaling is { Kind: RopeScalingKind.LongRope } scaling)
        {
            _originalLength = scaling.OriginalContextLength;
            _longTable = new RotaryTable(Frequencies(spec, isLong: true), factor, type);
        }
    }

    /// <summary>Turns queries or keys.</summary>
    /// <param name="heads">[B, T, H, d].</param>
    /// <param name="start">Position of the first of the T tokens.</param>
    /// <param name="sequenceLength">Tokens of the whole sequence so far.</param>
    /// <returns>[B, T, H, d].</returns>
    public Tensor Apply(Tensor heads, int start, int sequenceLength)
    {
        using DisposeScope scope = NewDisposeScope();
        RotaryTable table = _longTable is not null && sequenceLength > _originalLength ? _longTable : _table;
        (Tensor cosine, Tensor sine) = table.Get(start, heads.shape[1]);
        long half = _width / 2, rest = heads.shape[3] - _width;
        Tensor first = heads.narrow(3, 0, half);
        Tensor second = heads.narrow(3, half, half);
        Tensor turnedFirst = first.mul(cosine).sub(second.mul(sine));
        Tensor turnedSecond = second.mul(cosine).add(first.mul(sine));
        Tensor[] parts = rest == 0
            ? [turnedFirst, turnedSecond]
            : [turnedFirst, turnedSecond, heads.narrow(3, _width, rest)];
        return cat(parts, 3).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _table.Dispose();
        _longTable?.Dispose();
    }

    private double[] Frequencies(ModelSpec spec, bool isLong)
    {
        var frequencies = new double[_width / 2];
        for (int i = 0; i < frequencies.Length; i++)
        {
            double frequency = Math.Pow(spec.RopeTheta, -2.0 * i / _width);
            frequencies[i] = spec.RopeScaling?.Scale(frequency, i, isLong) ?? frequency;
        }

        return frequencies;
    }
}
