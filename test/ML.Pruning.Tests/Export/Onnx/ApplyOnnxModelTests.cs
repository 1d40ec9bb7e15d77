using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Export.Onnx;

/// <summary>An exported model is a stage of any ML.NET pipeline, without this library.</summary>
[TestClass]
public sealed class ApplyOnnxModelTests
{
    private const int Length = 9;

    [TestMethod]
    [DataRow("model.onnx")]
    [DataRow("folder")]
    public void ApplyOnnxModel_OfExport_GivesTheLogits(string name)
    {
        var ml = new MLContext(seed: 1);
        ModelSpec spec = RandomModel.Llama;
        using LanguageModel model = RandomModel.Create(spec);
        using var torch = new TorchEngine(model);
        using var folder = new TestFolder();
        OnnxModel.Export(model, folder[name]);
        string graph = OnnxModel.IsFile(name) ? folder[name] : Path.Combine(folder[name], OnnxModel.FileName);
        int[][] sequences = [.. Enumerable.Range(1, 3).Select(seed => RandomModel.Tokens(spec, Length, seed))];
        IDataView data = ml.Data.LoadFromEnumerable(
            sequences.Select(s => new Input { Tokens = Array.ConvertAll(s, t => (long)t) }));

        var shapes = new Dictionary<string, int[]> { [GraphNames.Tokens] = [1, Length] };
        ITransformer fitted = ml.Transforms.ApplyOnnxModel(
            [GraphNames.Logits], [GraphNames.Tokens], graph, shapes, null, false).Fit(data);
        if (OnnxModel.IsFile(name))
        {
            // One file goes into a saved pipeline whole.
            ml.Model.Save(fitted, data.Schema, folder["pipeline.zip"]);
            (fitted as IDisposable)?.Dispose();
            File.Delete(graph);
            fitted = ml.Model.Load(folder["pipeline.zip"], out _);
        }

        Output[] outputs =
            [.. ml.Data.CreateEnumerable<Output>(fitted.Transform(data), reuseRowObject: false)];
        (fitted as IDisposable)?.Dispose();
        Assert.HasCount(sequences.Length, outputs);
        for (int i = 0; i < outputs.Length; i++)
        {
            Assert.IsLessThan(
                1e-5, Logits.Difference(Logits.Of(torch, spec, sequences[i]), outputs[i].Logits), $"Row {i}");
        }
    }

    private sealed class Input
    {
        [ColumnName(GraphNames.Tokens)]
        [VectorType(Length)]
        public long[] Tokens { get; set; } = [];
    }

    private sealed class Output
    {
        [ColumnName(GraphNames.Logits)]
        public float[] Logits { get; set; } = [];
    }
}
