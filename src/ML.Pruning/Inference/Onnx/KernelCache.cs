using System.Diagnostics;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using ML.Pruning.Checkpoints;
using ML.Pruning.Kernels;
using ML.Pruning.Models;

namespace ML.Pruning.Inference.Onnx;

/// <summary>Remembers in a folder of the user what <see cref="KernelSelection"/> measured, one file for each model,
/// instruction set and number of cores.</summary>
/// <remarks>The folder is <c>ml-pruning/kernels</c> in the user's local application data, or in the folder that
/// <c>MLPRUNING_CACHE</c> names; <c>MLPRUNING_CACHE=off</c> remembers nothing. A file that cannot be read is measured
/// again, and one that cannot be written is done without. The oldest files go when there are more than 256.
/// Thread-safe, also among processes.</remarks>
/// <param name="folder">The folder; null = nothing is remembered.</param>
internal sealed class KernelCache(string? folder)
{
    private const string Variable = "MLPRUNING_CACHE";
    private const string Off = "off";
    private const int Format = 1;
    private const int HashDigits = 32;
    private const int MostFiles = 256;
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>The user's.</summary>
    public static KernelCache OfUser => new(FolderOfUser());

    // What times depend on besides the model. Versions of the library may choose among other kernels.
    private static string Machine => $"{KernelLibrary.Target}, {Environment.ProcessorCount} cores, "
        + $"{MachineCache.Processor}, ONNX Runtime {OrtEnv.Instance().GetVersionString()}, "
        + $"ML.Pruning {typeof(KernelCache).Assembly.GetName().Version}, kernels {NativeKernels.AbiVersion}";

    /// <summary>The file of a model on this machine; null = nothing is remembered.</summary>
    /// <param name="model">The model, with weights, which are all read for their hash.</param>
    public string? PathOf(LanguageModel model) => folder is null ? null : Path.Combine(folder,
        $"{model.ContentHash[..HashDigits]}-{KernelLibrary.Target.ToString().ToLowerInvariant()}-"
        + $"{Environment.ProcessorCount}.json");

    /// <summary>What was measured for a model.</summary>
    /// <param name="model">The model, with weights.</param>
    /// <returns>The choices; null = none are known, or they are of another machine or version.</returns>
    public IReadOnlyList<LayerKernel>? Find(LanguageModel model)
    {
        if (PathOf(model) is not { } path || !File.Exists(path)) return null;
        try
        {
            Entry? entry = JsonSerializer.Deserialize<Entry>(File.ReadAllBytes(path), s_json);
            return entry is { Format: Format, Layers: not null } && entry.Model == model.ContentHash
                && entry.Machine == Machine && AreOf(model.Spec, entry.Layers) ? entry.Layers : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            Trace.TraceWarning($"ML.Pruning: '{path}' cannot be read ({e.Message}); the kernels are measured again.");
            return null;
        }
    }

    /// <summary>Keeps what was measured.</summary>
    /// <param name="model">The model, with weights.</param>
    /// <param name="layers">The choices.</param>
    public void Add(LanguageModel model, IReadOnlyList<LayerKernel> layers)
    {
        if (PathOf(model) is not { } path) return;
        try
        {
            Directory.CreateDirectory(folder!);
            AtomicFile.WriteAllBytes(path,
                JsonSerializer.SerializeToUtf8Bytes(new Entry(Format, model.ContentHash, Machine, layers), s_json));
            foreach (FileInfo old in new DirectoryInfo(folder!).GetFiles("*.json")
                .OrderByDescending(file => file.LastWriteTimeUtc).Skip(MostFiles))
            {
                old.Delete();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Trace.TraceWarning($"ML.Pruning: '{path}' cannot be written ({e.Message}); the kernels are measured again "
                + $"at the next start. {Variable} names another folder, or '{Off}'.");
        }
    }

    // Whether they name each linear map in order, with a kernel that there is.
    private static bool AreOf(ModelSpec spec, IReadOnlyList<LayerKernel> layers) =>
        Enumerable.Range(0, spec.Layers.Count).SelectMany(spec.Linears).Select(linear => linear.WeightName)
            .SequenceEqual(layers.Select(layer => layer?.Name ?? ""), StringComparer.Ordinal)
        && layers.All(layer => layer.Kernel == LayerKernel.Dense
            || Enum.TryParse(layer.Kernel, ignoreCase: true, out PackedFormat format) && Enum.IsDefined(format));

    private static string? FolderOfUser()
    {
        string? given = Environment.GetEnvironmentVariable(Variable);
        if (string.Equals(given, Off, StringComparison.OrdinalIgnoreCase)) return null;
        string root = string.IsNullOrEmpty(given)
            ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData) : given;
        return root.Length == 0 ? null : Path.Combine(root, "ml-pruning", "kernels");
    }

    private sealed record Entry(int Format, string Model, string Machine, IReadOnlyList<LayerKernel> Layers);
}
