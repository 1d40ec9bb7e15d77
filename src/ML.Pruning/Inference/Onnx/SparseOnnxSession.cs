using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Models;

namespace ML.Pruning.Inference.Onnx;

/// <summary>An ONNX model in ONNX Runtime, with its sparse weights on the kernels where that is possible.</summary>
/// <remarks>Runs may go on at once. Dispose it when none is under way.</remarks>
internal sealed class SparseOnnxSession : IDisposable
{
    private readonly RunOptions _run = new();
    private DirectoryInfo? _temporary;

    private SparseOnnxSession(
        InferenceSession session, IReadOnlyList<SparseOnnxNode> nodes, string? whyDense, DirectoryInfo? temporary)
    {
        Session = session;
        Nodes = nodes;
        WhyDense = whyDense;
        _temporary = temporary;
    }

    /// <summary>The session.</summary>
    public InferenceSession Session { get; }

    /// <summary>What was done with each node that has, or could have, a constant weight.</summary>
    public IReadOnlyList<SparseOnnxNode> Nodes { get; }

    /// <summary>Why no model can be rewritten here; null = it can.</summary>
    public static string? WhyNot => SparseOperator.Library is null ? "the native kernels are not there" : null;

    /// <summary>Why the model runs as it is; null = it was rewritten.</summary>
    public string? WhyDense { get; }

    /// <summary>Opens a model without changing it.</summary>
    /// <param name="path">The ONNX file.</param>
    /// <param name="profile">Takes the session's profile; null = there is none.</param>
    /// <exception cref="ModelFormatException">ONNX Runtime cannot open it.</exception>
    public static SparseOnnxSession OpenAsItIs(string path, OnnxProfile? profile = null) =>
        new(Load(path, profile), [], "it was asked for as it is", null);

    /// <summary>Packs what is sparse and opens the result. A model that cannot be rewritten, or that ONNX Runtime takes
    /// only as it is, runs as it is.</summary>
    /// <param name="path">The ONNX file.</param>
    /// <param name="options">What is packed.</param>
    /// <param name="profile">Takes the session's profile; null = there is none.</param>
    /// <exception cref="ModelFormatException">It is no ONNX file, or ONNX Runtime cannot open it.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static SparseOnnxSession Open(string path, SparseOnnxOptions options, OnnxProfile? profile = null)
    {
        if (WhyNot is { } reason) return new(Load(path, profile), [], reason, null);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("ml-pruning-onnx-");
        bool keep = false;
        try
        {
            IReadOnlyList<SparseOnnxNode> nodes =
                SparseOnnxModel.WriteTo(path, folder.FullName, options, CancellationToken.None);
            if (!nodes.Any(node => node.IsPacked)) return new(Load(path, profile), nodes, null, null);
            InferenceSession session = Load(Path.Combine(folder.FullName, OnnxModel.FileName), profile);
            keep = OperatingSystem.IsWindows(); // files that are mapped cannot be deleted there
            return new(session, nodes, null, keep ? folder : null);
        }
        catch (Exception e) when (e is NotSupportedException or ModelFormatException)
        {
            return new(Load(path, profile), [], e.Message, null);
        }
        finally
        {
            if (!keep) folder.Delete(recursive: true);
        }
    }

    /// <summary>The model's inputs.</summary>
    public IReadOnlyList<OnnxValueInfo> Inputs => Describe(Session.InputMetadata);

    /// <summary>The model's outputs.</summary>
    public IReadOnlyList<OnnxValueInfo> Outputs => Describe(Session.OutputMetadata);

    /// <summary>Runs the model on arrays.</summary>
    /// <param name="inputs">For each input its name, its elements (float[] or long[]) and its dimensions.</param>
    /// <param name="outputs">Outputs to compute, of float or long.</param>
    /// <returns>For each output its elements.</returns>
    /// <exception cref="InvalidOperationException">ONNX Runtime failed.</exception>
    public Array[] Run(IReadOnlyList<(string Name, Array Values, long[] Shape)> inputs, IReadOnlyList<string> outputs)
    {
        OrtValue[] values = [.. inputs.Select(input => input.Values is float[] floats
            ? OrtValue.CreateTensorValueFromMemory(floats, input.Shape)
            : OrtValue.CreateTensorValueFromMemory((long[])input.Values, input.Shape))];
        try
        {
            using IDisposableReadOnlyCollection<OrtValue> results =
                Run([.. inputs.Select(input => input.Name)], values, outputs);
            return [.. results.Select(
                result => result.GetTensorTypeAndShape().ElementDataType == TensorElementType.Float
                    ? (Array)result.GetTensorDataAsSpan<float>().ToArray()
                    : result.GetTensorDataAsSpan<long>().ToArray())];
        }
        finally
        {
            foreach (OrtValue value in values) value.Dispose();
        }
    }

    /// <summary>Runs the model.</summary>
    /// <param name="names">Names of inputs.</param>
    /// <param name="inputs">Their values.</param>
    /// <param name="outputs">Outputs to compute; null = all, in their order.</param>
    /// <returns>The outputs; the caller disposes them.</returns>
    /// <exception cref="InvalidOperationException">ONNX Runtime failed.</exception>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        string[] names, OrtValue[] inputs, IReadOnlyList<string>? outputs = null)
    {
        try
        {
            return Session.Run(_run, names, inputs, [.. outputs ?? Session.OutputNames]);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidOperationException($"ONNX Runtime failed: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Session.Dispose();
        _run.Dispose();
        _temporary?.Delete(recursive: true);
        _temporary = null;
    }

    private static List<OnnxValueInfo> Describe(IReadOnlyDictionary<string, NodeMetadata> metadata) =>
    [
        .. metadata.Select(value => new OnnxValueInfo(
            value.Key, value.Value.IsTensor ? value.Value.ElementType : null,
            value.Value.IsTensor ? value.Value.Dimensions : [])),
    ];

    private static InferenceSession Load(string path, OnnxProfile? profile = null)
    {
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        try
        {
            profile?.Enable(options);
            if (SparseOperator.Library is { } library) options.RegisterCustomOpLibrary(library);
            return new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new ModelFormatException($"ONNX Runtime cannot open '{path}': {e.Message}", e);
        }
    }
}
