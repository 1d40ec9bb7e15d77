using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Models;

namespace ML.Pruning.Inference.Onnx;

/// <summary>An exported decoder in ONNX Runtime.</summary>
/// <remarks>Runs may go on at once. Dispose it when none is under way.</remarks>
internal sealed unsafe class OnnxDecoder : IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _run = new();

    /// <summary>Opens a graph that <see cref="OnnxModel"/> exported.</summary>
    /// <param name="path">The file of the graph.</param>
    /// <param name="profile">Takes the session's profile; null = there is none.</param>
    /// <param name="threads">Threads of a run; 0 = one for each core.</param>
    /// <exception cref="ModelFormatException">The file is no such graph.</exception>
    public OnnxDecoder(string path, OnnxProfile? profile = null, int threads = 0)
    {
        using var options = new SessionOptions
        {
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
            IntraOpNumThreads = threads,
        };
        try
        {
            profile?.Enable(options);
            if (SparseOperator.Library is { } library) options.RegisterCustomOpLibrary(library);
            _session = new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new ModelFormatException($"ONNX Runtime cannot open '{path}': {e.Message}", e);
        }

        IReadOnlyDictionary<string, string> metadata = _session.ModelMetadata.CustomMetadataMap;
        if (!metadata.TryGetValue(GraphNames.SpecKey, out string? spec)
            || !metadata.TryGetValue(GraphNames.SharedBuffersKey, out string? shared))
        {
            _session.Dispose();
            throw new ModelFormatException($"The ONNX file '{path}' does not say which decoder it holds (metadata "
                + $"'{GraphNames.SpecKey}' and '{GraphNames.SharedBuffersKey}'); export it with this library.");
        }

        Spec = ModelSpec.FromJson(spec);
        string[] sharing = shared.Split(',');
        SharesBuffers =
        [
            .. Enumerable.Range(0, Spec.Layers.Count).Select(
                layer => sharing.Contains(layer.ToString(CultureInfo.InvariantCulture))),
        ];
    }

    /// <summary>The model's shape.</summary>
    public ModelSpec Spec { get; }

    /// <summary>For each layer whether it writes keys and values in place.</summary>
    public IReadOnlyList<bool> SharesBuffers { get; }

    /// <summary>A tensor over memory that stays where it is until the tensor is disposed.</summary>
    /// <typeparam name="T">float or long.</typeparam>
    /// <param name="memory">The elements; fixed by the caller.</param>
    /// <param name="count">Their number.</param>
    /// <param name="shape">The dimensions.</param>
    /// <returns>The tensor.</returns>
    public static OrtValue Tensor<T>(T* memory, long count, params long[] shape)
        where T : unmanaged => OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance,
        typeof(T) == typeof(float) ? TensorElementType.Float : TensorElementType.Int64, shape, (IntPtr)memory,
        count * sizeof(T));

    /// <summary>Ends the profile that the decoder was opened with.</summary>
    /// <param name="runs">Runs to take, of those that there were.</param>
    /// <returns>For each range the operators, those that took longest first.</returns>
    public IReadOnlyList<OperatorTime>[] EndProfile(params Range[] runs) => OnnxProfile.End(_session, runs);

    /// <summary>Starts the bindings of a decoding session.</summary>
    /// <returns>The bindings; the caller disposes them.</returns>
    public OrtIoBinding CreateBinding() => _session.CreateIoBinding();

    /// <summary>Runs the graph with what is bound.</summary>
    /// <param name="binding">The bindings.</param>
    /// <exception cref="InvalidOperationException">ONNX Runtime failed.</exception>
    public void Run(OrtIoBinding binding) => Guard(() => _session.RunWithBinding(_run, binding));

    /// <summary>Runs whole sequences.</summary>
    /// <param name="tokens">Token ids [batch, length].</param>
    /// <param name="batch">Number of sequences.</param>
    /// <param name="logits">Destination [batch, length, vocabulary].</param>
    /// <exception cref="InvalidOperationException">ONNX Runtime failed.</exception>
    public void Run(long[] tokens, int batch, Span<float> logits) =>
        Run(tokens, batch, logits, GraphNames.Logits, Spec.VocabularySize, logitsToKeep: 0);

    /// <summary>Runs whole sequences for the states that the head sees.</summary>
    /// <param name="tokens">Token ids [batch, length].</param>
    /// <param name="batch">Number of sequences.</param>
    /// <param name="states">Destination [batch, length, hidden].</param>
    /// <exception cref="InvalidOperationException">ONNX Runtime failed, or the graph does not give them.</exception>
    public void RunStates(long[] tokens, int batch, Span<float> states) =>
        Run(tokens, batch, states, GraphNames.States, Spec.HiddenSize, logitsToKeep: 1);

    /// <inheritdoc/>
    public void Dispose()
    {
        _session.Dispose();
        _run.Dispose();
    }

    private void Run(long[] tokens, int batch, Span<float> destination, string output, int width, long logitsToKeep)
    {
        long length = tokens.Length / batch;
        var names = new List<string> { GraphNames.Tokens, GraphNames.LogitsToKeep };
        var values = new List<OrtValue>();
        try
        {
            values.Add(OrtValue.CreateTensorValueFromMemory(tokens, [batch, length]));
            values.Add(OrtValue.CreateTensorValueFromMemory(new[] { logitsToKeep }, [1]));
            for (int layer = 0; layer < Spec.Layers.Count; layer++)
            {
                long[] none = [batch, Spec.Layers[layer].KeyValueHeads, 0, Spec.Layers[layer].HeadSize];
                names.Add(GraphNames.PastKey(layer));
                names.Add(GraphNames.PastValue(layer));
                values.Add(OrtValue.CreateTensorValueFromMemory<float>([], none));
                values.Add(OrtValue.CreateTensorValueFromMemory<float>([], none));
            }

            fixed (float* memory = destination)
            {
                using OrtValue result = Tensor(memory, destination.Length, batch, length, width);
                Guard(() => _session.Run(_run, names, values, [output], [result]));
            }
        }
        finally
        {
            foreach (OrtValue value in values) value.Dispose();
        }
    }

    private static void Guard(Action run)
    {
        try
        {
            run();
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidOperationException($"ONNX Runtime failed: {e.Message}", e);
        }
    }
}
