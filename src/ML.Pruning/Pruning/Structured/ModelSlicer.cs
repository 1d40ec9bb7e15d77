using ML.Pruning.Checkpoints;
using ML.Pruning.Models;

namespace ML.Pruning.Pruning.Structured;

/// <summary>Makes the smaller model that a cut leaves.</summary>
internal static class ModelSlicer
{
    /// <summary>Writes what is left of the tensors that lose something to a temporary file and shares all
    /// others.</summary>
    /// <param name="model">The model; it is not changed.</param>
    /// <param name="cut">What goes.</param>
    /// <param name="tempFolder">Folder for the file, which goes with the last model that uses it.</param>
    /// <param name="cancellationToken">Checked between pieces; nothing is left behind.</param>
    /// <returns>The smaller model; the caller disposes it.</returns>
    public static LanguageModel Slice(
        LanguageModel model, StructuralCut cut, string tempFolder, CancellationToken cancellationToken)
    {
        var weights = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        var changed = new List<StoredTensor>();
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (ParameterSpec parameter in cut.Before.Parameters())
        {
            if (cut.NewName(parameter.Name) is not { } name) continue;
            names.Add(parameter.Name, name);
            StoredTensor tensor = model.Weights[parameter.Name];
            if (cut.Changes(parameter.Name)) changed.Add(cut.Slice(parameter.Name, tensor).Renamed(name));
            else weights.Add(name, name == parameter.Name ? tensor : tensor.Renamed(name));
        }

        SafetensorsFile[] files = changed.Count == 0
            ? []
            : [SafetensorsWriter.WriteTemporary(tempFolder, changed, metadata: null, cancellationToken)];
        foreach ((string name, MappedTensor tensor) in files.SelectMany(f => f.Tensors)) weights.Add(name, tensor);
        LanguageModelContent content = model.ToContent();
        return new LanguageModel(content with
        {
            Spec = cut.After,
            Weights = weights,
            Files = [.. content.Files, .. files],
            MaskedTensors = content.MaskedTensors.Where(names.ContainsKey).Select(name => names[name])
                .ToHashSet(StringComparer.Ordinal),
        });
    }

    /// <summary>A model with some tensors added or replaced.</summary>
    /// <param name="model">The model; it is not changed.</param>
    /// <param name="spec">The shape with these tensors.</param>
    /// <param name="tensors">The tensors under their canonical names.</param>
    /// <param name="tempFolder">Folder for the file that they are written to.</param>
    /// <param name="cancellationToken">Checked between pieces; nothing is left behind.</param>
    /// <returns>The other model; the caller disposes it.</returns>
    public static LanguageModel With(this LanguageModel model, ModelSpec spec, IReadOnlyList<StoredTensor> tensors,
        string tempFolder, CancellationToken cancellationToken)
    {
        SafetensorsFile file =
            SafetensorsWriter.WriteTemporary(tempFolder, tensors, metadata: null, cancellationToken);
        var weights = new Dictionary<string, StoredTensor>(model.Weights, StringComparer.Ordinal);
        foreach ((string name, MappedTensor tensor) in file.Tensors) weights[name] = tensor;
        LanguageModelContent content = model.ToContent();
        return new LanguageModel(content with { Spec = spec, Weights = weights, Files = [.. content.Files, file] });
    }
}
