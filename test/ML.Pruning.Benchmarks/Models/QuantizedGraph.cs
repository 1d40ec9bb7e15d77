using System.Numerics.Tensors;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Export.Onnx.Rewriting;

namespace ML.Pruning.Benchmarks.Models;

/// <summary>What ONNX Runtime has for dense int8: every Gemm with constant weights, the head's too, becomes
/// DynamicQuantizeMatMul, which makes codes of the activations at run time.</summary>
internal static class QuantizedGraph
{
    private const int Largest = 127;

    /// <summary>Rewrites a model.</summary>
    /// <param name="source">The ONNX file of a dense float32 model.</param>
    /// <param name="folder">The folder to make, with the same files as an exported one.</param>
    public static void Write(string source, string folder)
    {
        Directory.CreateDirectory(folder);
        var file = new OnnxGraphFile(source);
        var constants = new OnnxConstants(file);
        var added = new List<OnnxInitializer>();
        List<OnnxNode> nodes =
            [.. file.Nodes.Select(node => node.Is("Gemm") ? Quantize(node, constants, added) : node)];
        using FileStream graph = File.Create(Path.Combine(folder, OnnxModel.FileName));
        using FileStream data = File.Create(Path.Combine(folder, OnnxModel.DataFileName));
        OnnxRewriter.Write(file, nodes, added, OnnxGraph.Contributed, graph, data, OnnxModel.DataFileName,
            CancellationToken.None);
    }

    // Gemm with W [out, in] to codes [in, out] and a scale for each output.
    private static OnnxNode Quantize(OnnxNode node, OnnxConstants constants, List<OnnxInitializer> added)
    {
        if (constants.Find(node.Inputs[1]).Weight is not { } weight || node.Integer("transB", 0) == 0) return node;
        int rows = (int)weight.Shape[0], columns = (int)weight.Shape[1];
        var codes = new sbyte[rows * columns];
        var scales = new float[rows];
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> values = weight.Values.AsSpan(row * columns, columns);
            scales[row] = Math.Max(Math.Abs(TensorPrimitives.MaxMagnitude(values)), float.Epsilon) / Largest;
            for (int i = 0; i < columns; i++)
                codes[i * rows + row] = (sbyte)Math.Clamp(MathF.Round(values[i] / scales[row]), -Largest, Largest);
        }

        string name = node.Inputs[1];
        added.Add(OnnxInitializer.Of($"{name}.codes", codes, columns, rows));
        added.Add(OnnxInitializer.Of($"{name}.scales", scales, rows));
        string[] inputs = [node.Inputs[0], $"{name}.codes", $"{name}.scales"];
        if (node.Inputs.Count > 2) inputs = [.. inputs, "", node.Inputs[2]];
        return new OnnxNode(OnnxGraph.Node($"{OnnxGraph.Contributed}.DynamicQuantizeMatMul", inputs, [.. node.Outputs],
            node.Name, []).Bytes.ToArray());
    }
}
