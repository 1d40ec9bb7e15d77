using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Transforms;

namespace ML.Pruning.Samples;

/// <summary>Runs an ONNX file in a pipeline with its sparse weights on the kernels. The file may come from any
/// exporter; here it is a pruned language model, exported as an ordinary ONNX model.</summary>
public static class RunAnyOnnxModel
{
    private const int Length = 16;

    /// <summary>Runs the sample.</summary>
    /// <param name="modelFolder">A Hugging Face folder.</param>
    public static void Example(string modelFolder)
    {
        var ml = new MLContext(seed: 1);
        string folder = Directory.CreateTempSubdirectory("ml-pruning-sample-").FullName;
        try
        {
            string file = Path.Combine(folder, "pruned.onnx");
            using (var model = LanguageModelSource.Open(modelFolder))
            using (LanguageModel pruned = Pruner.Prune(model, new Magnitude { Sparsity = 0.8 }).Model)
                OnnxModel.Export(pruned, file);

            IDataView data = ml.Data.LoadFromEnumerable(
                [new Row { Tokens = [.. Enumerable.Range(1, Length).Select(id => (long)id)] }]);
            SparseOnnxTransformer stage = ml.Transforms.ApplySparseOnnxModel(new SparseOnnxEstimator.Options
            {
                ModelFile = file,
                InputColumnNames = ["input_ids"],
                OutputColumnNames = ["logits"],
                ShapeDictionary = new Dictionary<string, int[]> { ["input_ids"] = [1, Length] },
                Measure = false, // else nodes of so small a model may stay dense, which is faster for it
            }).Fit(data);
            VBuffer<float> logits = stage.Transform(data).GetColumn<VBuffer<float>>("logits").Single();

            Console.WriteLine($"{logits.Length / Length} logits after each of {Length} tokens");
            Console.WriteLine($"{stage.Nodes.Count(node => node.IsPacked)} of {stage.Nodes.Count} nodes with weights "
                + "run on the kernels, such as");
            foreach (SparseOnnxNode node in stage.Nodes
                .DistinctBy(node => (node.Rows, node.Columns, node.IsPacked)).Take(4))
                Console.WriteLine($"  {node.Rows} x {node.Columns}: {node.Why}");
            stage.Dispose();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private sealed class Row
    {
        [ColumnName("input_ids")]
        [VectorType(Length)]
        public long[] Tokens { get; init; } = [];
    }
}

// Expected output for the embedded model:
// 512 logits after each of 16 tokens
// 28 of 29 nodes with weights run on the kernels, such as
//   128 x 128: bitmask float32
//   64 x 128: bitmask float32
//   344 x 128: bitmask float32
//   128 x 344: bitmask float32
