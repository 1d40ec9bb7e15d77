using ML.Pruning.Checkpoints;
using ML.Pruning.Models;

namespace ML.Pruning.Recovery;

/// <summary>Puts LoRA adapters on models and takes them apart again. <see cref="LanguageModel.Merged"/> merges them,
/// <see cref="LanguageModel.WithoutAdapters"/> removes them.</summary>
/// <remarks>Thread-safe.</remarks>
public static class LoraAdapters
{
    /// <summary>Puts fresh adapters on a model: they change nothing before they are trained.</summary>
    /// <remarks>A is drawn from a normal distribution of deviation 1 / sqrt(inFeatures), so that A x is about as large
    /// as x; B is 0; m is the length of W's rows. Hu et al. 2021 (arXiv:2106.09685, section 4.1) call for a Gaussian A
    /// without saying its deviation; Hugging Face's PEFT draws A uniformly by default (Kaiming, a = sqrt 5, deviation
    /// 1 / sqrt(3 inFeatures)).</remarks>
    /// <param name="model">The model, with weights and without adapters; it is not changed.</param>
    /// <param name="options">Rank, alpha and targets.</param>
    /// <param name="cancellationToken">Stops between weights.</param>
    /// <returns>The model with adapters, which the caller disposes; weights are shared. Zeros of its
    /// <see cref="LanguageModel.MaskedTensors"/> are kept; if it names none, those of linear maps with at least a tenth
    /// of zeros, which are then named.</returns>
    /// <exception cref="ArgumentException">An option is out of range, or the model has adapters already.</exception>
    /// <exception cref="InvalidOperationException">The model has no weights.</exception>
    public static LanguageModel Attach(LanguageModel model, LoraOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new LoraOptions();
        options.Validate();
        if (model.Spec.Adapters.Count > 0)
        {
            throw new ArgumentException("The model has adapters already; merge them (LanguageModel.Merged) or remove "
                + "them (LanguageModel.WithoutAdapters) first.", nameof(model));
        }

        IReadOnlySet<string> keptZeros = KeptZeros.Of(model, cancellationToken);
        ModelSpec spec = model.Spec with { Adapters = options.Adapters(model, keptZeros) };
        var weights = model.Weights.ToDictionary(w => w.Key, w => w.Value, StringComparer.Ordinal);
        var random = new Random(options.Training.Seed);
        Dictionary<string, AdapterSpec> magnitudes = spec.Adapters.ToDictionary(a => a.MagnitudeName);
        HashSet<string> gaussian = [.. spec.Adapters.Select(a => a.AName)];
        foreach (ParameterSpec parameter in spec.AdapterParameters())
        {
            var values = new float[checked((int)parameter.Count)];
            if (gaussian.Contains(parameter.Name)) Draw(values, 1 / Math.Sqrt(parameter.Shape[1]), random);
            if (magnitudes.TryGetValue(parameter.Name, out AdapterSpec? adapter))
                RowLengths(model.Weights[adapter.WeightName], values);
            weights[parameter.Name] = new ArrayTensor(parameter.Name, values, parameter.Shape);
        }

        return new LanguageModel(model.ToContent() with
        {
            Spec = spec,
            Weights = weights,
            MaskedTensors = keptZeros,
            ContentHash = null,
        });
    }

    /// <summary>Takes adapters out of weights that they were merged into, and puts them beside.</summary>
    /// <remarks>W = W' - s M * (B A); exact up to the rounding of W'. Zeros stay zeros.</remarks>
    /// <param name="merged">The model with merged weights; it is not changed.</param>
    /// <param name="adapted">A model with the adapters that were merged.</param>
    /// <returns>The model with adapters, which the caller disposes.</returns>
    /// <exception cref="ArgumentException">The first has adapters, the second has none, or their shapes
    /// differ.</exception>
    /// <exception cref="NotSupportedException">The adapters scale rows (DoRA): the length before is lost.</exception>
    public static LanguageModel Unmerge(LanguageModel merged, LanguageModel adapted)
    {
        ArgumentNullException.ThrowIfNull(merged);
        ArgumentNullException.ThrowIfNull(adapted);
        ModelSpec spec = merged.Spec with { Adapters = adapted.Spec.Adapters };
        if (merged.Spec.Adapters.Count > 0 || spec.Adapters.Count == 0 || spec.ToJson() != adapted.Spec.ToJson())
        {
            throw new ArgumentException("Unmerging takes a model without adapters, and one of the same shape with the "
                + "adapters that were merged.", nameof(adapted));
        }

        if (spec.Adapters.Any(a => a.HasMagnitude))
        {
            throw new NotSupportedException("An adapter that scales rows (DoRA) cannot be taken out: the length that a "
                + "row had is not kept. Keep the adapter beside the weights instead of merging it.");
        }

        var weights = merged.Weights.ToDictionary(w => w.Key, w => w.Value, StringComparer.Ordinal);
        foreach (ParameterSpec parameter in spec.AdapterParameters())
        {
            StoredTensor tensor = adapted.Weights[parameter.Name];
            weights[parameter.Name] = new ArrayTensor(tensor.Name, tensor.ToArray(), tensor.Shape, tensor.Type);
        }

        foreach (AdapterSpec adapter in spec.Adapters)
        {
            weights[adapter.WeightName] =
                new AdaptedTensor(merged.Weights[adapter.WeightName], adapter, adapted.Weights, isRemoved: true);
        }

        return new LanguageModel(merged.ToContent() with { Spec = spec, Weights = weights, ContentHash = null });
    }

    private static void Draw(float[] values, double deviation, Random random)
    {
        for (int i = 0; i < values.Length; i++) values[i] = (float)(deviation * random.NextNormal());
    }

    private static void RowLengths(StoredTensor weight, float[] lengths)
    {
        var row = new float[weight.Shape[1]];
        for (int i = 0; i < lengths.Length; i++)
        {
            weight.Read((long)i * row.Length, row);
            lengths[i] = (float)Math.Sqrt(row.Sum(v => (double)v * v));
        }
    }
}
