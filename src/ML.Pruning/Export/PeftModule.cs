using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;

namespace ML.Pruning.Export;

/// <summary>The tensors of one adapted module in a PEFT file.</summary>
/// <param name="module">Name of the module with PEFT's prefix.</param>
/// <param name="tensors">All tensors of the file.</param>
/// <param name="used">Takes the names of those that were read.</param>
internal sealed class PeftModule(
    string module, IReadOnlyDictionary<string, MappedTensor> tensors, HashSet<string> used)
{
    private const string A = ".lora_A.weight";
    private const string B = ".lora_B.weight";
    private const string Magnitude = ".lora_magnitude_vector";

    /// <summary>Reads the adapters of the linear maps that a module holds.</summary>
    /// <param name="model">The model.</param>
    /// <param name="mapping">The linear maps of the module, stacked by rows.</param>
    /// <param name="alpha">Alpha of the module.</param>
    /// <param name="config">The adapter's settings.</param>
    /// <param name="weights">Takes the tensors under their canonical names.</param>
    /// <returns>One adapter a linear map.</returns>
    /// <exception cref="ModelFormatException">A tensor is missing or has another shape.</exception>
    public IReadOnlyList<AdapterSpec> Read(LanguageModel model, TensorMapping mapping, double alpha, PeftConfig config,
        Dictionary<string, StoredTensor> weights)
    {
        StoredTensor a = Take(A), b = Take(B);
        StoredTensor? magnitude = config.UsesDora ? Take(Magnitude) : null;
        Dictionary<string, ParameterSpec> parameters = model.Spec.Parameters().ToDictionary(p => p.Name);
        ParameterSpec[] parts = [.. mapping.CanonicalNames.Select(name => parameters[name])];
        long rows = parts.Sum(p => p.Shape[0]), columns = parts[0].Shape[1];
        long rank = a.Shape.Count == 2 ? a.Shape[0] : 0;
        RequireShape(A, a, [Math.Max(rank, 1), columns]);
        RequireShape(B, b, [rows, rank]);
        if (magnitude is not null) RequireShape(Magnitude, magnitude, [rows]);
        var adapters = new List<AdapterSpec>();
        long row = 0;
        foreach (ParameterSpec part in parts)
        {
            var adapter = new AdapterSpec
            {
                Layer = part.Layer,
                Part = part.Part,
                Rank = checked((int)rank),
                Alpha = alpha,
                RankStabilized = config.IsRankStabilized,
                HasMagnitude = magnitude is not null,
                KeepsZeros = model.MaskedTensors.Contains(part.Name),
            };
            weights[adapter.AName] = InMemory(adapter.AName, a, 0, rank);
            weights[adapter.BName] = InMemory(adapter.BName, b, row, part.Shape[0]);
            if (magnitude is not null)
                weights[adapter.MagnitudeName] = InMemory(adapter.MagnitudeName, magnitude, row, part.Shape[0]);
            adapters.Add(adapter);
            row += part.Shape[0];
        }

        return adapters;
    }

    /// <summary>Makes the tensors of a module.</summary>
    /// <param name="module">Name of the module with PEFT's prefix.</param>
    /// <param name="model">The model.</param>
    /// <param name="mapping">The linear maps of the module, stacked by rows.</param>
    /// <param name="parts">The adapter of each, or null; at least one is not.</param>
    /// <param name="tensors">Takes the tensors.</param>
    /// <returns>Rank and alpha of the module.</returns>
    /// <exception cref="NotSupportedException">The adapters do not fit into one.</exception>
    public static AdapterSpec Write(string module, LanguageModel model, TensorMapping mapping,
        IReadOnlyList<AdapterSpec?> parts, List<StoredTensor> tensors)
    {
        AdapterSpec[] present = [.. parts.OfType<AdapterSpec>()];
        AdapterSpec first = present[0];
        if (parts.Count == 1)
        {
            tensors.Add(model.Weights[first.AName].Renamed(module + A));
            tensors.Add(model.Weights[first.BName].Renamed(module + B));
            if (first.HasMagnitude) tensors.Add(model.Weights[first.MagnitudeName].Renamed(module + Magnitude));
            return first;
        }

        if (present.Any(p => p.Scale != first.Scale || p.HasMagnitude != first.HasMagnitude)
            || first.HasMagnitude && present.Length < parts.Count)
        {
            throw new NotSupportedException($"PEFT has one adapter for '{module}', but its linear maps have adapters "
                + "that differ in scale, or only some of them scale rows (DoRA); merge them, or save the model as "
                + ".zip.");
        }

        int rank = present.Sum(p => p.Rank);
        tensors.Add(new ConcatenatedTensor(module + A, [.. present.Select(p => model.Weights[p.AName])]));
        tensors.Add(BlockDiagonal(module + B, model, mapping, parts, rank));
        if (first.HasMagnitude)
        {
            tensors.Add(new ConcatenatedTensor(
                module + Magnitude, [.. present.Select(p => model.Weights[p.MagnitudeName])]));
        }

        double factor = first.RankStabilized ? Math.Sqrt(rank) : rank;
        return first with { Rank = rank, Alpha = first.Scale * factor };
    }

    private static ArrayTensor BlockDiagonal(string name, LanguageModel model, TensorMapping mapping,
        IReadOnlyList<AdapterSpec?> parts, int rank)
    {
        long[] heights = [.. mapping.CanonicalNames.Select(n => model.Weights[n].Shape[0])];
        var values = new float[checked((int)(heights.Sum() * rank))];
        int row = 0, column = 0;
        for (int i = 0; i < parts.Count; i++)
        {
            if (parts[i] is { } part)
            {
                float[] block = model.Weights[part.BName].ToArray();
                for (int r = 0; r < heights[i]; r++)
                    block.AsSpan(r * part.Rank, part.Rank).CopyTo(values.AsSpan((row + r) * rank + column));
                column += part.Rank;
            }

            row += (int)heights[i];
        }

        return new ArrayTensor(name, values, [row, rank]);
    }

    private static ArrayTensor InMemory(string name, StoredTensor tensor, long row, long rows)
    {
        long width = tensor.Shape.Count == 1 ? 1 : tensor.Shape[1];
        var values = new float[checked((int)(rows * width))];
        tensor.Read(row * width, values);
        return new ArrayTensor(name, values, tensor.Shape.Count == 1 ? [rows] : [rows, width]);
    }

    private StoredTensor Take(string suffix)
    {
        if (!tensors.TryGetValue(module + suffix, out MappedTensor? tensor))
            throw new ModelFormatException($"The adapter has no tensor '{module + suffix}'.");
        used.Add(module + suffix);
        return TensorTypes.IsFloat(tensor.Type) ? tensor : throw new ModelFormatException(
            $"The adapter's tensor '{module + suffix}' has type {TensorTypes.Name(tensor.Type)}; it must be F64, F32, "
            + "F16 or BF16.");
    }

    private void RequireShape(string suffix, StoredTensor tensor, long[] shape)
    {
        if (tensor.Shape.SequenceEqual(shape)) return;
        throw new ModelFormatException($"The adapter's tensor '{module + suffix}' has shape "
            + $"[{string.Join(", ", tensor.Shape)}]; the model calls for [{string.Join(", ", shape)}].");
    }
}
