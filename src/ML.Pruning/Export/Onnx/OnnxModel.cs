using System.Text;
using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;

namespace ML.Pruning.Export.Onnx;

/// <summary>Writes language models as ONNX.</summary>
public static class OnnxModel
{
    /// <summary>The graph in an exported folder.</summary>
    public const string FileName = "model.onnx";

    /// <summary>The large constants in an exported folder.</summary>
    public const string DataFileName = "model.onnx.data";

    /// <summary>Exports a model, in float32; what is at the path appears whole or not at all.</summary>
    /// <remarks>
    /// <para>A path that ends in <c>.onnx</c> gets one file that holds everything, up to 2 GiB. Any other path is a
    /// folder: the graph (<see cref="FileName"/>), its weights (<see cref="DataFileName"/>, of any size, each at a
    /// multiple of 4096 bytes), <c>config.json</c> and the tokenizer's files.</para>
    /// <para>The graph of a decoder takes prompts and single tokens alike, that of an encoder texts filled up to one
    /// length; <see cref="GraphNames"/> has the inputs and outputs. Adapters are merged. Sparse weights are written
    /// with their zeros, unless <see cref="OnnxExportOptions.SparseKernels"/> says otherwise; the file then needs this
    /// library's native kernels, registered as a library of custom operators. The file runs in any ONNX Runtime from
    /// 1.17 on; with <see cref="OnnxOperators.Standard"/> in any runtime of operator set 17.</para>
    /// </remarks>
    /// <param name="model">The model.</param>
    /// <param name="path">The folder to make, or the file if it ends in <c>.onnx</c>.</param>
    /// <param name="options">How; null = the defaults.</param>
    /// <param name="cancellationToken">Stops between pieces of weights; nothing is left behind.</param>
    /// <exception cref="IOException">Something is at the path and may not be replaced, or it cannot be
    /// written.</exception>
    /// <exception cref="InvalidOperationException">The model has no weights.</exception>
    /// <exception cref="NotSupportedException">The model has a part that the exporter does not know, or one file would
    /// exceed 2 GiB.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static void Export(LanguageModel model, string path, OnnxExportOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new OnnxExportOptions();
        using LanguageModel? merged = model.Spec.Adapters.Count > 0 ? model.Merged() : null;
        model = merged ?? model;
        OnnxGraph graph = Build(model, options);
        if (IsFile(path))
        {
            using var file = new AtomicFile(path, options.Overwrite);
            OnnxFile.Write(graph, file.Stream, cancellationToken);
            file.Commit();
            return;
        }

        using var folder = new OutputFolder(path, options.Overwrite);
        WriteGraph(graph, folder.TemporaryPath, cancellationToken);
        AtomicFile.WriteAllBytes(folder.PathOf(HuggingFaceFolder.ConfigName), Encoding.UTF8.GetBytes(Config(model)));
        AtomicFile.WriteAllBytes(folder.PathOf(ModelNotes.FileName), ModelNotes.Of(model).ToBytes());
        foreach ((string name, byte[] content) in model.SideFiles)
            AtomicFile.WriteAllBytes(folder.PathOf(name), content, overwrite: false);
        folder.Commit();
    }

    /// <summary>Whether a model can be exported.</summary>
    /// <param name="spec">Its shape.</param>
    /// <returns>False if it has a part that the exporter does not know.</returns>
    public static bool CanExport(ModelSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return ExportableSpec.WhyNot(spec with { Adapters = [] }) is null;
    }

    /// <summary>Whether a path stands for one file, not for a folder.</summary>
    /// <param name="path">The path.</param>
    public static bool IsFile(string path) =>
        Path.GetExtension(path).Equals(".onnx", StringComparison.OrdinalIgnoreCase);

    /// <summary>Writes graph and weights alone, without the care that a user's folder gets.</summary>
    /// <param name="model">The model.</param>
    /// <param name="folder">An empty folder.</param>
    /// <param name="options">The operators that the graph may use.</param>
    internal static void WriteGraph(LanguageModel model, string folder, OnnxExportOptions options) =>
        WriteGraph(Build(model, options), folder, CancellationToken.None);

    private static OnnxGraph Build(LanguageModel model, OnnxExportOptions options) => model.Spec.Encoder is null
        ? DecoderGraph.Build(model.Spec, model.Weights, options)
        : EncoderGraph.Build(model.Spec, model.Weights, options);

    private static void WriteGraph(OnnxGraph graph, string folder, CancellationToken cancellationToken)
    {
        using FileStream file = File.Create(Path.Combine(folder, FileName));
        using FileStream data = File.Create(Path.Combine(folder, DataFileName));
        OnnxFile.Write(graph, file, data, DataFileName, cancellationToken);
        data.Flush(flushToDisk: true);
        file.Flush(flushToDisk: true);
    }

    private static string Config(LanguageModel model)
    {
        JsonObject config = FamilyRegistry.ParseConfig(model.ConfigJson);
        FamilyRegistry.Get(model.Spec.Family).WriteConfig(model.Spec, config);
        return PrettyJson.Of(config);
    }
}
