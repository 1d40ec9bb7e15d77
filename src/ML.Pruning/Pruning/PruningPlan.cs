using System.Globalization;
using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Pruning.Structured;

namespace ML.Pruning.Pruning;

/// <summary>What is to go of one weight matrix.</summary>
/// <param name="Name">Canonical name.</param>
/// <param name="Layer">Layer, from 0, or -1.</param>
/// <param name="Rows">Output features.</param>
/// <param name="Columns">Input features.</param>
/// <param name="Sparsity">Fraction of zeros aimed at, in [0, 1).</param>
/// <param name="Zeros">Weights to be zero.</param>
/// <param name="IsExact">Whether <paramref name="Zeros"/> follows from shapes; otherwise it depends on the weights, and
/// the number is what to expect.</param>
public sealed record PlannedTensor(
    string Name, int Layer, int Rows, int Columns, double Sparsity, long Zeros, bool IsExact)
{
    /// <summary>Number of weights.</summary>
    public long Count => (long)Rows * Columns;
}

/// <summary>A weight matrix that is left as it is although the options cover it.</summary>
/// <param name="Name">Canonical name.</param>
/// <param name="Reason">Why.</param>
public sealed record SkippedTensor(string Name, string Reason)
{
    /// <summary>One sentence.</summary>
    /// <returns>What is left as it is, and why.</returns>
    public override string ToString() => $"Left as it is: '{Name}' {Reason}.";
}

/// <summary>What a method will do to a model, known before any weight moves.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed record PruningPlan
{
    /// <summary>Sequence length for which multiply-accumulates are counted.</summary>
    public const int MacTokens = 64;

    private const double MiB = 1 << 20;

    /// <summary>Name of the method.</summary>
    public required string Method { get; init; }

    /// <summary>The model before.</summary>
    public required ModelSpec Before { get; init; }

    /// <summary>The model after; the same where only zeros are set.</summary>
    public required ModelSpec After { get; init; }

    /// <summary>Weights to be zero in all tensors together. It is exact where all tensors are, and for the groups layer
    /// and model.</summary>
    public long Zeros { get; init; }

    /// <summary>The tensors that are pruned, in the order of the forward pass.</summary>
    public IReadOnlyList<PlannedTensor> Tensors { get; init; } = [];

    /// <summary>The families of groups that lose some, for methods that make the model smaller.</summary>
    public IReadOnlyList<PlannedFamily> Families { get; init; } = [];

    /// <summary>The tensors that are left out, with the reasons.</summary>
    public IReadOnlyList<SkippedTensor> Skipped { get; init; } = [];

    /// <summary>Estimated peak memory, in bytes, above that of the process before.</summary>
    public required long PeakMemoryBytes { get; init; }

    /// <summary>Temporary disk space for the changed weights, in bytes.</summary>
    public required long DiskBytes { get; init; }

    /// <summary>Type of the stored weights before.</summary>
    public TensorType WeightType { get; init; } = TensorType.F32;

    /// <summary>The integer grid that the weights of <see cref="Tensors"/> are put on; null = they keep their
    /// type.</summary>
    public WeightGrid? Quantization { get; init; }

    /// <summary>Bytes of all weights before, stored dense.</summary>
    public long BytesBefore => ParametersBefore * WeightType.BitsPerElement() / 8;

    /// <summary>Bytes of all weights after, zeros stored like others.</summary>
    public long BytesAfter => Unplanned + Tensors.Sum(StoredBytes);

    /// <summary>Bytes of all weights after, sparse ones stored as bitmask and values (or codes) where that is
    /// smaller. What rounds to zero is not foreseen.</summary>
    public long BytesCompressed => Unplanned + Tensors.Sum(CompressedBytes);

    /// <summary>Tokens of the sequence for which <see cref="ToJson"/> counts memory; null = the model's
    /// context.</summary>
    public int? ContextLength { get; init; }

    /// <summary>Parameters before.</summary>
    public long ParametersBefore => Before.ParameterCount;

    /// <summary>Parameters after that are not set to zero.</summary>
    public long ParametersAfter => After.ParameterCount - Zeros;

    /// <summary>The plan as one JSON object.</summary>
    /// <remarks><c>macs</c> counts the dense computation at 64 tokens: zeros inside a matrix save no
    /// multiply-accumulate until a sparse engine skips them, so unstructured and N:M pruning leave the number as it
    /// is.</remarks>
    /// <returns>Keys method, quantization, parameters {before, after, zeros}, macs {tokens, before, after}, bytes
    /// {before, after, compressed}, memory {before, after}, peakMemoryBytes, diskBytes, layers, skipped.</returns>
    public JsonObject ToJson() => new()
    {
        ["method"] = Method,
        ["quantization"] = Quantization?.ToString(),
        ["parameters"] = new JsonObject
        {
            ["before"] = ParametersBefore,
            ["after"] = ParametersAfter,
            ["zeros"] = Zeros,
        },
        ["macs"] = new JsonObject
        {
            ["tokens"] = MacTokens,
            ["before"] = Before.MultiplyAccumulates(MacTokens),
            ["after"] = After.MultiplyAccumulates(MacTokens),
        },
        ["bytes"] = new JsonObject
        {
            ["before"] = BytesBefore,
            ["after"] = BytesAfter,
            ["compressed"] = BytesCompressed,
        },
        ["memory"] = new JsonObject
        {
            ["before"] = new MemoryNeeds(Before, ContextLength).ToJson(),
            ["after"] = new MemoryNeeds(After, ContextLength).ToJson(),
        },
        ["peakMemoryBytes"] = PeakMemoryBytes,
        ["diskBytes"] = DiskBytes,
        ["layers"] = Families.Count > 0
            ? StructurePlan.Layers(this)
            : new JsonArray([.. Tensors.GroupBy(t => t.Layer).Select(LayerJson)]),
        ["skipped"] = new JsonArray([.. Skipped.Select(
            s => (JsonNode)new JsonObject { ["name"] = s.Name, ["reason"] = s.Reason })]),
    };

    /// <summary>The plan for reading.</summary>
    /// <returns>A few totals, a row a tensor (or a layer, where the model becomes smaller), and what is left
    /// out.</returns>
    public ReportTable ToTable() => Families.Count > 0 ? StructurePlan.Table(this) : new ReportTable
    {
        Heading =
        [
            string.Create(CultureInfo.InvariantCulture, $"{Method}: {ParametersBefore:N0} parameters, {Zeros:N0} of "
                + $"them to zero ({(double)Zeros / ParametersBefore:P1})."),
            string.Create(CultureInfo.InvariantCulture, $"Peak memory about {PeakMemoryBytes:N0} bytes, temporary disk "
                + $"{DiskBytes:N0} bytes."),
            string.Create(CultureInfo.InvariantCulture, $"Weights as {WeightType.Name()}: {BytesBefore:N0} bytes "
                + $"before; {(Quantization is null ? "" : $"with {Quantization} ")}{BytesAfter:N0} bytes after, "
                + $"{BytesCompressed:N0} compressed."),
        ],
        Columns = [new("tensor", IsNumber: false), new("shape"), new("zeros"), new("sparsity")],
        Rows =
        [
            .. Tensors.Select(t => (string[])[t.Name, $"[{t.Rows}, {t.Columns}]",
                t.Zeros.ToString("N0", CultureInfo.InvariantCulture),
                t.Sparsity.ToString("0.0000", CultureInfo.InvariantCulture)]),
        ],
        Notes = [.. Skipped.Select(skipped => skipped.ToString())],
    };

    /// <summary>Refuses a run that needs more memory than it may have.</summary>
    /// <param name="limitBytes">The limit.</param>
    /// <param name="method">The method that this is the plan of; it knows what would help.</param>
    /// <exception cref="ArgumentException">It needs more; the message says how much, and what to do.</exception>
    public void RequireMemory(long limitBytes, PruningMethod method)
    {
        ArgumentNullException.ThrowIfNull(method);
        if (PeakMemoryBytes <= limitBytes) return;
        throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
            $"{Method} needs about {PeakMemoryBytes / MiB:0} MiB of memory here, more than the limit of "
            + $"{limitBytes / MiB:0} MiB. Raise the limit, or {method.MemoryAdvice}."));
    }

    private long Unplanned => (After.ParameterCount - Tensors.Sum(t => t.Count)) * WeightType.BitsPerElement() / 8;

    private long StoredBytes(PlannedTensor t) =>
        Quantization?.StorageBytes(t.Rows, t.Columns) ?? t.Count * WeightType.BitsPerElement() / 8;

    private long CompressedBytes(PlannedTensor t)
    {
        // Packed codes have no bitmask form.
        long stored = StoredBytes(t);
        int bits = Quantization?.Bits ?? WeightType.BitsPerElement();
        long compressed = stored - t.Zeros * bits / 8 + BitmaskCodec.Overhead(t.Rows, t.Columns);
        return bits < 8 ? stored : Math.Min(stored, compressed);
    }

    private static JsonNode LayerJson(IGrouping<int, PlannedTensor> layer) => new JsonObject
    {
        ["layer"] = layer.Key >= 0 ? layer.Key : null,
        ["tensors"] = new JsonArray([.. layer.Select(t => (JsonNode)new JsonObject
        {
            ["name"] = t.Name,
            ["rows"] = t.Rows,
            ["columns"] = t.Columns,
            ["sparsity"] = t.Sparsity,
            ["zeros"] = t.Zeros,
            ["exact"] = t.IsExact,
        })]),
    };
}
