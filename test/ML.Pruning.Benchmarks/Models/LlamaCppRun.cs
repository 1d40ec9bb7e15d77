using System.Runtime.InteropServices;
using ML.Pruning.Models;

namespace ML.Pruning.Benchmarks.Models;

/// <summary>A dense LLaMA in llama.cpp, with its defaults.</summary>
internal sealed unsafe class LlamaCppRun : SpeedCandidate
{
    private readonly int[] _tokens;
    private readonly int _added;
    private readonly nint _model;
    private readonly nint _context;

    /// <summary>Writes a file with random weights, opens it and runs it once.</summary>
    /// <param name="type">How its matrices are stored.</param>
    /// <param name="spec">The model's shape.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="threads">Threads of a run.</param>
    /// <param name="prompt">Tokens of the prompt.</param>
    /// <param name="added">Tokens after it.</param>
    public LlamaCppRun(GgufFile.Type type, ModelSpec spec, string path, int threads, int prompt, int added)
    {
        Name = $"llama.cpp-{type.Name}";
        _tokens = [.. Enumerable.Range(0, prompt).Select(i => i * 7 % spec.VocabularySize)];
        _added = added;
        if (!File.Exists(path)) GgufFile.Write(spec, type, path);
        WeightBytes = new FileInfo(path).Length;
        ((_model, _context), ResidentBytes) = ResidentMemory.Of(() => Open(path, threads), opened => Run(opened.Context));
    }

    public override string Name { get; }

    public override long WeightBytes { get; }

    public override long ResidentBytes { get; }

    public override void Dispose()
    {
        ((delegate* unmanaged<nint, void>)LlamaCppLibrary.Function("llama_free"))(_context);
        ((delegate* unmanaged<nint, void>)LlamaCppLibrary.Function("llama_model_free"))(_model);
    }

    protected override (double Prefill, double Decode) Round() => Run(_context);

    private static (nint Model, nint Context) Open(string path, int threads)
    {
        nint text = Marshal.StringToCoTaskMemUTF8(path);
        Parameters model = ((delegate* unmanaged<Parameters>)LlamaCppLibrary.Function("llama_model_default_params"))();
        nint opened = ((delegate* unmanaged<nint, Parameters, nint>)LlamaCppLibrary.Function(
            "llama_model_load_from_file"))(text, model);
        Marshal.FreeCoTaskMem(text);
        if (opened == 0) throw new InvalidOperationException($"llama.cpp cannot open '{path}'.");
        Parameters of = ((delegate* unmanaged<Parameters>)LlamaCppLibrary.Function("llama_context_default_params"))();
        nint context = ((delegate* unmanaged<nint, Parameters, nint>)LlamaCppLibrary.Function(
            "llama_init_from_model"))(opened, of);
        if (context == 0) throw new InvalidOperationException($"llama.cpp has no context for '{path}'.");
        ((delegate* unmanaged<nint, int, int, void>)LlamaCppLibrary.Function("llama_set_n_threads"))(
            context, threads, threads);
        return (opened, context);
    }

    private (double Prefill, double Decode) Run(nint context)
    {
        nint memory = ((delegate* unmanaged<nint, nint>)LlamaCppLibrary.Function("llama_get_memory"))(context);
        ((delegate* unmanaged<nint, byte, void>)LlamaCppLibrary.Function("llama_memory_clear"))(memory, 1);
        return (Rate(_tokens.Length, () => Decode(context, 0, _tokens.Length)), Rate(_added, () =>
        {
            for (int i = 0; i < _added; i++) Decode(context, i % _tokens.Length, 1);
        }));
    }

    private void Decode(nint context, int first, int count)
    {
        fixed (int* tokens = &_tokens[first])
        {
            Batch batch = ((delegate* unmanaged<int*, int, Batch>)LlamaCppLibrary.Function("llama_batch_get_one"))(
                tokens, count);
            int status = ((delegate* unmanaged<nint, Batch, int>)LlamaCppLibrary.Function("llama_decode"))(
                context, batch);
            if (status != 0) throw new InvalidOperationException($"llama.cpp's llama_decode gave {status}.");
        }

        ((delegate* unmanaged<nint, void>)LlamaCppLibrary.Function("llama_synchronize"))(context);
    }

    // Parameters by value whose fields are left as they come: more room than they need, at the end.
    [StructLayout(LayoutKind.Sequential, Size = 1024)]
    private struct Parameters
    {
        public long First;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Batch
    {
        public int Count;
        public nint Tokens;
        public nint Embeddings;
        public nint Positions;
        public nint SequenceCounts;
        public nint Sequences;
        public nint Logits;
    }
}
