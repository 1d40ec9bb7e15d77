using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Pruning;

namespace ML.Pruning.Samples;

/// <summary>Turns text into features for ordinary trainers with a pruned model.</summary>
public static class EmbedText
{
    /// <summary>Runs the sample.</summary>
    /// <param name="modelFolder">A Hugging Face folder.</param>
    public static void Example(string modelFolder)
    {
        var ml = new MLContext(seed: 1);
        IDataView data = ml.Data.LoadFromEnumerable<Note>(
        [
            new() { Text = "Mina flew the red kite.", Words = 5 },
            new() { Text = "Tom flew the red kite.", Words = 5 },
            new() { Text = "The fox ate the cheese.", Words = 5 },
        ]);

        // The vector is a column like any other: a trainer, such as
        // ml.BinaryClassification.Trainers.SdcaLogisticRegression(), is appended after it. Trainers read their rows many
        // times: .AppendCacheCheckpoint(ml) between the two keeps the vectors.
        var pipeline = ml.Transforms.PruneLlm(modelFolder, new Magnitude { Sparsity = 0.3 }, textColumnName: null)
            .Append(ml.Transforms.EmbedText("Embedding", "Model", "Text"))
            .Append(ml.Transforms.Concatenate("Features", "Embedding", "Words"));
        using var fitted = pipeline.Fit(data);
        float[][] features = [.. fitted.Transform(data).GetColumn<float[]>("Features")];
        Console.WriteLine($"{features[0].Length} features a row");
        Console.WriteLine($"row 1 to row 2 {Distance(features[0], features[1]):F2}, to row 3 "
            + $"{Distance(features[0], features[2]):F2}");
    }

    private static float Distance(float[] a, float[] b) =>
        System.Numerics.Tensors.TensorPrimitives.Distance<float>(a, b);

    private sealed class Note
    {
        public string Text { get; set; } = "";

        public float Words { get; set; }
    }
}

// Expected output for the embedded model:
// 129 features a row
// row 1 to row 2 0.03, to row 3 1.00
