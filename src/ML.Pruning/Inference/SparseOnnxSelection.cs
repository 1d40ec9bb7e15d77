using System.Globalization;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Export.Onnx.Rewriting;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Models;

namespace ML.Pruning.Inference;

/// <summary>Chooses for each sparse node of an ONNX model between the kernels and ONNX Runtime by measuring both on this
/// machine.</summary>
/// <remarks>A node is timed inside of the whole model, packed and as it is. Since neighbours matter (layouts, steps that
/// are joined), the whole model is timed too: as it is, with all sparse nodes packed, and with those that are faster
/// alone; the fastest is taken. It takes some ten runs of the model.</remarks>
public static class SparseOnnxSelection
{
    private const int ProfiledRuns = 3;

    /// <summary>Measures.</summary>
    /// <param name="path">The ONNX file.</param>
    /// <param name="options">What may be packed; null = the defaults.</param>
    /// <param name="shapes">Dimensions of inputs by name; null = as the file has them. An open first dimension is 1;
    /// where the file leaves others open, and they are not given, nothing is measured.</param>
    /// <returns>The options, with what was chosen for each node; as they were if nothing was, or could be, measured: also
    /// where ONNX Runtime cannot open the file, or cannot run it on random inputs of these shapes.</returns>
    /// <exception cref="ArgumentException">A shape is given for no input.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static SparseOnnxOptions Measure(
        string path, SparseOnnxOptions? options = null, IReadOnlyDictionary<string, long[]>? shapes = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new SparseOnnxOptions();
        if (SparseOnnxSession.WhyNot is not null) return options;
        try
        {
            return Choose(path, options, shapes ?? new Dictionary<string, long[]>());
        }
        catch (Exception e) when (e is InvalidOperationException or ModelFormatException)
        {
            return options;
        }
    }

    private static SparseOnnxOptions Choose(
        string path, SparseOnnxOptions options, IReadOnlyDictionary<string, long[]> shapes)
    {
        using SparseOnnxSession dense = SparseOnnxSession.OpenAsItIs(path);
        using SparseOnnxSession all = SparseOnnxSession.Open(path, options);
        SparseOnnxNode[] packed = [.. all.Nodes.Where(node => node.IsPacked)];
        if (packed.Length == 0 || !RandomInputs.AreKnown(dense.Session, shapes)) return options;
        using var inputs = RandomInputs.Of(dense.Session, shapes);

        Dictionary<string, SparseOnnxChoice> choices = ChooseAlone(path, options, packed, inputs);
        SparseOnnxOptions chosen = options with { Choices = choices };
        bool isMixed = choices.Values.DistinctBy(choice => choice.UsesKernel).Count() > 1;
        using SparseOnnxSession? some = isMixed ? SparseOnnxSession.Open(path, chosen) : null;
        double[] times = KernelTiming.Fastest([.. new[] { dense, all, some }.OfType<SparseOnnxSession>()
            .Select(session => (Action)(() => session.Run(inputs.Names, inputs.Values).Dispose()))]);
        int best = Array.IndexOf(times, times.Min());
        if (best == 2) return chosen;
        string why = Text($"the model: {times[0] / 1000:F2} ms as it is, {times[1] / 1000:F2} ms with all on the kernels");
        return options with
        {
            Choices = choices.ToDictionary(
                choice => choice.Key, choice => new SparseOnnxChoice(best == 1, $"{choice.Value.Why}; {why}")),
        };
    }

    private static Dictionary<string, SparseOnnxChoice> ChooseAlone(
        string path, SparseOnnxOptions options, SparseOnnxNode[] packed, RandomInputs inputs)
    {
        IReadOnlyDictionary<string, double> before = Times(profile => SparseOnnxSession.OpenAsItIs(path, profile)),
            after = Times(profile => SparseOnnxSession.Open(path, options, profile));
        var file = new OnnxGraphFile(path);
        var readers = new OnnxReaders(file, file.Nodes);
        var choices = new Dictionary<string, SparseOnnxChoice>(StringComparer.Ordinal);
        foreach (SparseOnnxNode node in packed)
        {
            OnnxNode original = file.Nodes.First(n => SparseRewriting.NameOf(n) == node.Name);
            double? dense = Names(original, readers).Select(name => before.TryGetValue(name, out double time)
                ? time : (double?)null).FirstOrDefault(time => time is not null);
            double? sparse = SparseRewriting.Kernels.Select(kernel => after.TryGetValue($"{node.Name}/{kernel}",
                out double time) ? time : (double?)null).FirstOrDefault(time => time is not null);
            choices[node.Name] = dense is null || sparse is null
                ? new(true, "its time alone is not known")
                : new(sparse < dense, Text($"measured: dense {dense:F0} us, kernel {sparse:F0} us"));
        }

        return choices;

        IReadOnlyDictionary<string, double> Times(Func<OnnxProfile, SparseOnnxSession> open)
        {
            using var profile = new OnnxProfile();
            using SparseOnnxSession session = open(profile);
            for (int run = 0; run <= ProfiledRuns; run++) session.Run(inputs.Names, inputs.Values).Dispose();
            return OnnxProfile.EndByNode(session.Session);
        }
    }

    // What ONNX Runtime may call a node: as the file does, or, in its blocked layout, after its output, which is that of
    // the activation if one was joined to it.
    private static IEnumerable<string> Names(OnnxNode node, OnnxReaders readers)
    {
        yield return node.Name;
        for (OnnxNode? at = node; at is not null; at = readers.Only(at.Outputs[0]))
        {
            yield return $"{at.Outputs[0]}_nchwc";
            if (at != node && at.Type is not ("BatchNormalization" or "Add")) yield break;
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
