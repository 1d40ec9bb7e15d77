using System.Runtime.InteropServices;
using ML.Pruning.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>Moves numbers between stored tensors, torch tensors and spans.</summary>
internal static class TorchWeights
{
    private const int PieceElements = 1 << 20;

    /// <summary>Reads a stored tensor piece by piece into a new torch tensor; float32 is written in place.</summary>
    /// <param name="stored">The tensor.</param>
    /// <param name="type">A floating-point type.</param>
    /// <returns>A contiguous tensor of the same shape.</returns>
    public static Tensor ToTensor(StoredTensor stored, ScalarType type)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor result = empty([.. stored.Shape], dtype: type);
        Tensor flat = result.view(-1);
        Tensor? buffer = type == ScalarType.Float32 ? null : empty(PieceElements, dtype: ScalarType.Float32);
        for (long start = 0; start < stored.ElementCount; start += PieceElements)
        {
            long count = Math.Min(PieceElements, stored.ElementCount - start);
            Tensor piece = flat.narrow(0, start, count);
            Tensor target = buffer is null ? piece : buffer.narrow(0, 0, count);
            stored.Read(start, MemoryMarshal.Cast<byte, float>(target.bytes));
            if (buffer is not null) piece.copy_(target);
        }

        return result.MoveToOuterDisposeScope();
    }

    /// <summary>Reads a weight as a parameter that outlives dispose scopes and takes no gradient yet.</summary>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <param name="name">Canonical name.</param>
    /// <param name="shape">The shape that the spec calls for.</param>
    /// <param name="type">The type to compute in.</param>
    /// <returns>The parameter; its module disposes it.</returns>
    /// <exception cref="ModelFormatException">The weight is missing or has another shape.</exception>
    public static Parameter ToParameter(IReadOnlyDictionary<string, StoredTensor> weights, string name,
        ReadOnlySpan<long> shape, ScalarType type)
    {
        if (!weights.TryGetValue(name, out StoredTensor? stored))
            throw new ModelFormatException($"The weight '{name}' is missing.");
        if (!stored.Shape.ToArray().AsSpan().SequenceEqual(shape))
        {
            throw new ModelFormatException($"The weight '{name}' has shape [{string.Join(", ", stored.Shape)}]; the "
                + $"specification calls for [{string.Join(", ", shape.ToArray())}].");
        }

        var parameter = new Parameter(ToTensor(stored, type), requires_grad: false);
        parameter.DetachFromDisposeScope();
        return parameter;
    }

    /// <summary>A parameter in the type of what it meets; gradients flow back in its own.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="other">The tensor that it meets.</param>
    /// <returns>The parameter itself if the types agree, else a tensor of the caller's scope.</returns>
    public static Tensor As(Parameter parameter, Tensor other)
    {
        ScalarType type = other.dtype;
        return parameter.dtype == type ? parameter : parameter.to_type(type);
    }

    /// <summary>Token ids as an int64 tensor.</summary>
    /// <param name="tokens">Token ids [batch, length], row-major.</param>
    /// <param name="batch">Number of sequences.</param>
    /// <returns>[batch, length], int64.</returns>
    public static Tensor ToTokens(ReadOnlySpan<int> tokens, int batch)
    {
        var wide = new long[tokens.Length];
        for (int i = 0; i < wide.Length; i++) wide[i] = tokens[i];
        return tensor(wide, [batch, tokens.Length / batch], dtype: ScalarType.Int64);
    }

    /// <summary>Copies a tensor out as float32.</summary>
    /// <param name="source">Any shape and floating-point type.</param>
    /// <param name="destination">As many elements, row-major.</param>
    public static void CopyTo(Tensor source, Span<float> destination)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor dense = source.to_type(ScalarType.Float32).contiguous();
        MemoryMarshal.Cast<byte, float>(dense.bytes).CopyTo(destination);
    }

    /// <summary>Copies a tensor out as float64.</summary>
    /// <param name="source">Any shape and floating-point type.</param>
    /// <param name="destination">As many elements, row-major.</param>
    public static void CopyTo(Tensor source, Span<double> destination)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor dense = source.to_type(ScalarType.Float64).contiguous();
        MemoryMarshal.Cast<byte, double>(dense.bytes).CopyTo(destination);
    }

    /// <summary>The type for sums and exponentials: float32, or float64 when computing in that.</summary>
    /// <param name="type">The type of the operands.</param>
    /// <returns>Float32 or Float64.</returns>
    public static ScalarType Wide(ScalarType type) => type == ScalarType.Float64 ? type : ScalarType.Float32;
}
