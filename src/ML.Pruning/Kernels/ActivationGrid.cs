namespace ML.Pruning.Kernels;

/// <summary>The integers that a model's activations are on: x is about <paramref name="Scale"/> times a code.</summary>
/// <remarks>code = round(x / scale), half to even, kept within the limits; ONNX's QuantizeLinear less its zero
/// point.</remarks>
/// <param name="Scale">The step, positive.</param>
/// <param name="Lowest">The lowest code, -255 to 0: that of the type less the zero point.</param>
/// <param name="Highest">The highest code, at most 255 above the lowest.</param>
public readonly record struct ActivationGrid(float Scale, int Lowest, int Highest)
{
    private const int Codes = 255;

    /// <summary>What the kernels cannot take of it; null = nothing.</summary>
    internal string? Fault() =>
        !(Scale > 0) || !float.IsFinite(Scale) ? $"its scale is {Scale}; it must be positive and finite"
        : Lowest is < -Codes or > 0 || Highest < Lowest || Highest > Lowest + Codes
            ? $"its codes go from {Lowest} to {Highest}; at most {Codes} from a lowest of -{Codes} to 0 are legal"
        : null;
}
