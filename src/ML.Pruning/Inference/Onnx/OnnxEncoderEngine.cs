using Microsoft.ML.OnnxRuntime;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Kernels;
using ML.Pruning.Models;

namespace ML.Pruning.Inference.Onnx;

/// <summary>Runs an encoder with ONNX Runtime, in float32.</summary>
/// <remarks>Thread-safe; dispose it when no call is under way.</remarks>
internal sealed class OnnxEncoderEngine : ILanguageModelEngine
{
    private const long ScoresPerRun = 1 << 22;
    private const long LogitsPerRun = 1 << 22;
    private readonly InferenceSession _session;
    private readonly RunOptions _run = new();
    private readonly DirectoryInfo? _temporary;

    /// <summary>Exports a model to a temporary folder and opens it from there. The folder goes at once where files that
    /// are open can be deleted, else with the engine.</summary>
    /// <param name="model">The model.</param>
    /// <exception cref="InvalidOperationException">The model has no weights.</exception>
    /// <exception cref="NotSupportedException">The model has a part that cannot be exported.</exception>
    public OnnxEncoderEngine(LanguageModel model)
    {
        Spec = model.Spec;
        var options = new OnnxExportOptions { WithStates = true };
        if (SparseOperator.Library is not null)
        {
            options = options with
            {
                SparseKernels = PackedType.Float32,
                Formats = KernelSelection.Of(model).Formats,
            };
        }

        DirectoryInfo folder = Directory.CreateTempSubdirectory("ml-pruning-onnx-");
        try
        {
            OnnxModel.WriteGraph(model, folder.FullName, options);
            _session = Open(Path.Combine(folder.FullName, OnnxModel.FileName));
            if (OperatingSystem.IsWindows()) _temporary = folder;
        }
        finally
        {
            if (_temporary is null) folder.Delete(recursive: true);
        }
    }

    /// <summary>Opens an exported encoder.</summary>
    /// <param name="path">The folder, or the file of the graph.</param>
    /// <exception cref="ModelFormatException">The file is no exported encoder.</exception>
    public OnnxEncoderEngine(string path)
    {
        _session = Open(OnnxModel.IsFile(path) ? path : Path.Combine(path, OnnxModel.FileName));
        if (!_session.ModelMetadata.CustomMetadataMap.TryGetValue(GraphNames.SpecKey, out string? spec)
            || ModelSpec.FromJson(spec) is not { Encoder: not null } encoder)
        {
            _session.Dispose();
            throw new ModelFormatException($"The ONNX file '{path}' does not say which encoder it holds (metadata "
                + $"'{GraphNames.SpecKey}'); export it with this library.");
        }

        Spec = encoder;
    }

    /// <inheritdoc/>
    public string Name => "onnx";

    /// <summary>The model's shape.</summary>
    public ModelSpec Spec { get; }

    /// <inheritdoc/>
    public void Logits(ReadOnlySpan<int> tokens, int batch, Span<float> logits)
    {
        if (!Spec.PredictsTokens)
            throw new NotSupportedException($"This {Spec.Family} model has no head that predicts tokens.");
        int length = EngineArguments.CheckTokens(Spec, tokens, batch);
        EngineArguments.CheckDestination(
            logits.Length, (long)tokens.Length * Spec.VocabularySize, "[batch, length, vocabulary]");
        var lengths = new int[batch];
        Array.Fill(lengths, length);
        Run(GraphNames.Logits, tokens, lengths, length * Spec.VocabularySize, logits);
    }

    /// <inheritdoc/>
    public void LabelScores(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, Span<float> scores)
    {
        EngineArguments.CheckTexts(Spec, tokens, lengths, scores.Length);
        Run(GraphNames.Logits, tokens, lengths, Spec.Encoder!.Labels.Count, scores);
    }

    /// <inheritdoc/>
    public void HiddenStates(
        ReadOnlySpan<int> tokens, int batch, Span<float> states, ReadOnlySpan<int> lengths = default)
    {
        int length = EngineArguments.CheckTokens(Spec, tokens, batch);
        EngineArguments.CheckLengths(lengths, batch, length);
        EngineArguments.CheckDestination(
            states.Length, (long)tokens.Length * Spec.HiddenSize, "[batch, length, hidden]");
        var whole = new int[batch];
        Array.Fill(whole, length);
        Run(GraphNames.HiddenState, tokens, lengths.IsEmpty ? whole : lengths, length * Spec.HiddenSize, states);
    }

    /// <inheritdoc/>
    public void NextTokenLogProbabilities(ReadOnlySpan<int> tokens, int batch, Span<double> logProbabilities) =>
        EngineArguments.RequireDecoder(Spec);

    /// <inheritdoc/>
    public IDecodingSession StartDecoding()
    {
        EngineArguments.RequireDecoder(Spec);
        throw new NotSupportedException("An encoder does not decode.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _session.Dispose();
        _run.Dispose();
        _temporary?.Delete(recursive: true);
    }

    private static InferenceSession Open(string path)
    {
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        try
        {
            if (SparseOperator.Library is { } library) options.RegisterCustomOpLibrary(library);
            return new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new ModelFormatException($"ONNX Runtime cannot open '{path}': {e.Message}", e);
        }
    }

    // As many texts at a time as keep scores and logits bounded.
    private void Run(string output, ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, int resultsPerText,
        Span<float> results)
    {
        int length = tokens.Length / lengths.Length;
        long scores = Spec.Layers.Max(l => (long)l.Heads) * length * length;
        int step = (int)Math.Clamp(Math.Min(ScoresPerRun / scores, LogitsPerRun / resultsPerText), 1, lengths.Length);
        for (int start = 0; start < lengths.Length; start += step)
        {
            int count = Math.Min(step, lengths.Length - start);
            RunOnce(output, tokens.Slice(start * length, count * length), lengths.Slice(start, count),
                results.Slice(start * resultsPerText, count * resultsPerText));
        }
    }

    private void RunOnce(string output, ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, Span<float> results)
    {
        int length = tokens.Length / lengths.Length;
        var ids = new long[tokens.Length];
        var mask = new long[tokens.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = tokens[i];
            mask[i] = i % length < lengths[i / length] ? 1 : 0;
        }

        long[] shape = [lengths.Length, length];
        try
        {
            using OrtValue input = OrtValue.CreateTensorValueFromMemory(ids, shape);
            using OrtValue open = OrtValue.CreateTensorValueFromMemory(mask, shape);
            using IDisposableReadOnlyCollection<OrtValue> outputs = _session.Run(
                _run, [GraphNames.Tokens, GraphNames.AttentionMask], [input, open], [output]);
            outputs[0].GetTensorDataAsSpan<float>().CopyTo(results);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidOperationException($"ONNX Runtime failed: {e.Message}", e);
        }
    }
}
