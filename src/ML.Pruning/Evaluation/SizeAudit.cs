using ML.Pruning.Checkpoints;
using ML.Pruning.Models;

namespace ML.Pruning.Evaluation;

/// <summary>Size and zeros of one tensor.</summary>
/// <param name="Name">Canonical name.</param>
/// <param name="Shape">Shape.</param>
/// <param name="Type">Stored type, such as <c>BF16</c>, or the grid, such as <c>int8</c>.</param>
/// <param name="Elements">Number of elements.</param>
/// <param name="Zeros">Elements that are zero.</param>
/// <param name="DenseBytes">Bytes when stored with its zeros; on a grid those of codes and scales.</param>
/// <param name="CompressedBytes">Bytes when stored as bitmask and values (or codes), or as before where that is
/// smaller.</param>
public sealed record TensorAudit(string Name, IReadOnlyList<long> Shape, string Type, long Elements, long Zeros,
    long DenseBytes, long CompressedBytes);

/// <summary>Size and zeros of a model, tensor by tensor.</summary>
/// <remarks>Immutable.</remarks>
public sealed class SizeAudit
{
    private const int ChunkElements = 1 << 16;

    private SizeAudit(IReadOnlyList<TensorAudit> tensors) => Tensors = tensors;

    /// <summary>One entry a tensor, in the order of the forward pass.</summary>
    public IReadOnlyList<TensorAudit> Tensors { get; }

    /// <summary>Zeros in all tensors.</summary>
    public long Zeros => Tensors.Sum(t => t.Zeros);

    /// <summary>Bytes of all tensors when stored dense.</summary>
    public long DenseBytes => Tensors.Sum(t => t.DenseBytes);

    /// <summary>Bytes of all tensors when sparse ones are stored as bitmask and values.</summary>
    public long CompressedBytes => Tensors.Sum(t => t.CompressedBytes);

    /// <summary>Reads every weight of a model once.</summary>
    /// <param name="model">The model.</param>
    /// <param name="cancellationToken">Stops between tensors.</param>
    /// <returns>The audit.</returns>
    public static SizeAudit Of(LanguageModel model, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        var audits = new List<TensorAudit>();
        foreach (ParameterSpec parameter in model.Spec.Parameters())
        {
            cancellationToken.ThrowIfCancellationRequested();
            StoredTensor tensor = model.Weights[parameter.Name];
            IReadOnlyList<StoredTensor> parts = QuantizedCodec.Encode(tensor);
            audits.Add(new TensorAudit(parameter.Name, tensor.Shape,
                (tensor as QuantizedTensor)?.Grid.ToString() ?? tensor.Type.Name(), tensor.ElementCount,
                CountZeros(tensor), parts.Sum(t => t.ByteLength),
                BitmaskCodec.CompressAll(parts, cancellationToken).Sum(t => t.ByteLength)));
        }

        return new SizeAudit(audits);
    }

    private static long CountZeros(StoredTensor tensor)
    {
        var chunk = new float[Math.Min(ChunkElements, tensor.ElementCount)];
        long zeros = 0;
        for (long start = 0; start < tensor.ElementCount; start += chunk.Length)
        {
            Span<float> part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, tensor.ElementCount - start));
            tensor.Read(start, part);
            zeros += part.Count(0f);
        }

        return zeros;
    }
}
