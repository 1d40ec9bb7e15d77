using System.Buffers;
using System.Numerics.Tensors;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Kernels;
using ML.Pruning.Models;

namespace ML.Pruning.Inference.Onnx;

/// <summary>Runs a model with ONNX Runtime, in float32.</summary>
/// <remarks>Thread-safe; dispose it when no call and no session is under way.</remarks>
internal sealed class OnnxEngine : ILanguageModelEngine
{
    // Whole sequences run together while their attention scores and logits stay below these; longer ones in chunks.
    private const long ScoresPerRun = 1 << 22;
    private const long LogitsPerRun = 1 << 24;

    private readonly OnnxDecoder _decoder;
    private readonly DirectoryInfo? _temporary;

    /// <summary>Exports a model to a temporary folder and opens it from there. The folder goes at once where files
    /// that are open can be deleted, else with the engine.</summary>
    /// <param name="model">The model.</param>
    /// <param name="sparse">Whether linear maps may run on the sparse kernels, where a measurement finds them
    /// faster.</param>
    /// <param name="profile">Takes the profile of the runs; null = there is none.</param>
    /// <exception cref="InvalidOperationException">The model has no weights.</exception>
    /// <exception cref="NotSupportedException">The model has a part that cannot be exported.</exception>
    public OnnxEngine(LanguageModel model, bool sparse = true, OnnxProfile? profile = null)
    {
        var options = new OnnxExportOptions { WithStates = true };
        DirectoryInfo folder = Directory.CreateTempSubdirectory("ml-pruning-onnx-");
        try
        {
            if (sparse && SparseOperator.Library is not null)
            {
                KernelSelection selection = KernelSelection.Of(model);
                Kernels = selection.Layers;
                RemembersKernels = selection.IsRemembered;
                options = options with { SparseKernels = PackedType.Float32, Formats = selection.Formats };
            }

            OnnxModel.WriteGraph(model, folder.FullName, options);
            _decoder = new OnnxDecoder(Path.Combine(folder.FullName, OnnxModel.FileName), profile);
            if (OperatingSystem.IsWindows()) _temporary = folder;
        }
        finally
        {
            if (_temporary is null) folder.Delete(recursive: true);
        }
    }

    /// <summary>Opens an exported model.</summary>
    /// <param name="path">The folder, or the file of the graph.</param>
    /// <param name="threads">Threads of a run; 0 = one for each core.</param>
    /// <exception cref="ModelFormatException">The file is no exported decoder.</exception>
    public OnnxEngine(string path, int threads = 0) => _decoder = new OnnxDecoder(
        OnnxModel.IsFile(path) ? path : Path.Combine(path, OnnxModel.FileName), threads: threads);

    /// <inheritdoc/>
    public string Name => "onnx";

    /// <summary>The model's shape.</summary>
    public ModelSpec Spec => _decoder.Spec;

    /// <summary>What each linear map runs on; none where that was not chosen here.</summary>
    public IReadOnlyList<LayerKernel> Kernels { get; } = [];

    /// <summary>The model in ONNX Runtime.</summary>
    public OnnxDecoder Decoder => _decoder;

    /// <summary>Whether that was measured at an earlier start.</summary>
    public bool RemembersKernels { get; }

    /// <inheritdoc/>
    public void Logits(ReadOnlySpan<int> tokens, int batch, Span<float> logits)
    {
        int length = EngineArguments.CheckTokens(Spec, tokens, batch);
        EngineArguments.CheckDestination(
            logits.Length, (long)tokens.Length * Spec.VocabularySize, "[batch, length, vocabulary]");
        int step = SequencesPerRun(length);
        for (int start = 0; start < batch; start += Math.Max(step, 1))
        {
            int count = Math.Clamp(step, 1, batch - start);
            ReadOnlySpan<int> part = tokens.Slice(start * length, count * length);
            Span<float> target = logits.Slice(
                start * length * Spec.VocabularySize, part.Length * Spec.VocabularySize);
            if (step > 0)
            {
                _decoder.Run(Widen(part, length, length), count, target);
                continue;
            }

            using var session = new OnnxDecodingSession(_decoder);
            session.AppendAll(part, target);
        }
    }

    /// <inheritdoc/>
    public void NextTokenLogProbabilities(ReadOnlySpan<int> tokens, int batch, Span<double> logProbabilities)
    {
        int length = EngineArguments.CheckTokens(Spec, tokens, batch), predictions = length - 1;
        EngineArguments.CheckDestination(logProbabilities.Length, (long)batch * predictions, "[batch, length - 1]");
        if (predictions == 0) return;

        int vocabulary = Spec.VocabularySize;
        int step = SequencesPerRun(length);
        int chunk = Math.Min(predictions, OnnxDecodingSession.Chunk(Spec));
        int rows = step > 0 ? Math.Min(step, batch) * predictions : chunk;
        float[] logits = ArrayPool<float>.Shared.Rent(rows * vocabulary);
        try
        {
            for (int start = 0; start < batch; start += Math.Max(step, 1))
            {
                int count = Math.Clamp(step, 1, batch - start);
                ReadOnlySpan<int> part = tokens.Slice(start * length, count * length);
                Span<double> results = logProbabilities.Slice(start * predictions, count * predictions);
                if (step == 0)
                {
                    InChunks(part, chunk, logits, results);
                    continue;
                }

                Span<float> target = logits.AsSpan(0, results.Length * vocabulary);
                _decoder.Run(Widen(part, length, predictions), count, target);
                for (int i = 0; i < count; i++)
                {
                    Choose(target.Slice(i * predictions * vocabulary, predictions * vocabulary),
                        part.Slice(i * length + 1, predictions), results.Slice(i * predictions, predictions));
                }
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(logits);
        }
    }

    /// <inheritdoc/>
    public void HiddenStates(
        ReadOnlySpan<int> tokens, int batch, Span<float> states, ReadOnlySpan<int> lengths = default)
    {
        int length = EngineArguments.CheckTokens(Spec, tokens, batch), rowStates = length * Spec.HiddenSize;
        EngineArguments.CheckDestination(states.Length, (long)batch * rowStates, "[batch, length, hidden]");
        int step = Math.Max(SequencesPerRun(length), 1);
        for (int start = 0; start < batch; start += step)
        {
            int count = Math.Min(step, batch - start);
            _decoder.RunStates(Widen(tokens.Slice(start * length, count * length), length, length), count,
                states.Slice(start * rowStates, count * rowStates));
        }
    }

    /// <inheritdoc/>
    public void Append(
        IReadOnlyList<IDecodingSession> sessions, IReadOnlyList<ReadOnlyMemory<int>> tokens, Span<float> logits)
    {
        EngineArguments.CheckSessions(sessions, tokens);
        int vocabulary = Spec.VocabularySize;
        EngineArguments.CheckDestination(logits.Length, (long)sessions.Count * vocabulary, "[sessions, vocabulary]");
        OnnxDecodingSession[] own = [.. sessions.Select((session, i) =>
            session is OnnxDecodingSession mine && mine.Decoder == _decoder ? mine
                : throw new ArgumentException($"Session {i} was not started by this engine.", nameof(sessions)))];
        for (int i = 0; i < own.Length; i++) own[i].Check(tokens[i].Span);
        if (own.Length == 1 || !own[0].CanShareRuns)
        {
            OnnxPrefill.Append(own, tokens, logits);
            return;
        }

        OnnxPrefill.AppendAllButLast(own, tokens);
        if (own[0].Batch?.Holds(own) != true)
        {
            own[0].Batch?.Dispose();
            own[0].Batch = new OnnxBatch(own);
        }

        own[0].Batch!.Append([.. tokens.Select(of => of[^1..])], logits);
    }

    /// <inheritdoc/>
    public IDecodingSession StartDecoding() => StartDecoding(0);

    /// <inheritdoc/>
    public IDecodingSession StartDecoding(int expectedTokens) => new OnnxDecodingSession(_decoder, expectedTokens);

    /// <inheritdoc/>
    public void Dispose()
    {
        _decoder.Dispose();
        _temporary?.Delete(recursive: true);
    }

    // The first tokens of each row as int64.
    private static long[] Widen(ReadOnlySpan<int> tokens, int length, int first)
    {
        int rows = tokens.Length / length;
        var wide = new long[rows * first];
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < first; i++) wide[row * first + i] = tokens[row * length + i];
        }

        return wide;
    }

    private void InChunks(ReadOnlySpan<int> tokens, int chunk, float[] logits, Span<double> results)
    {
        using var session = new OnnxDecodingSession(_decoder);
        for (int start = 0; start < results.Length; start += chunk)
        {
            int count = Math.Min(chunk, results.Length - start);
            Span<float> target = logits.AsSpan(0, count * Spec.VocabularySize);
            session.AppendAll(tokens.Slice(start, count), target);
            Choose(target, tokens.Slice(start + 1, count), results.Slice(start, count));
        }
    }

    // log softmax(row)[target] = (row[target] - max) - log(sum(exp(row - max))); overwrites the logits.
    private void Choose(Span<float> logits, ReadOnlySpan<int> targets, Span<double> results)
    {
        for (int i = 0; i < targets.Length; i++)
        {
            Span<float> row = logits.Slice(i * Spec.VocabularySize, Spec.VocabularySize);
            TensorPrimitives.Subtract(row, TensorPrimitives.Max<float>(row), row);
            double chosen = row[targets[i]];
            TensorPrimitives.Exp(row, row);
            results[i] = chosen - Math.Log(TensorPrimitives.Sum<float>(row));
        }
    }

    // 0 = a sequence is too long to run whole.
    private int SequencesPerRun(int length)
    {
        long scores = Spec.Layers.Max(l => (long)l.Heads) * length * length;
        long logits = (long)Spec.VocabularySize * length;
        return (int)Math.Min(Math.Min(ScoresPerRun / scores, LogitsPerRun / logits), int.MaxValue / length);
    }
}
