using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using ML.Pruning.Inference;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Turns each row's text into a vector with the row's model. Made by
/// <see cref="TextEmbeddingEstimator"/>.</summary>
public sealed class TextEmbeddingTransformer : TextScoringTransformer<TextEmbeddingEstimator.Options>
{
    internal const string LoaderSignature = "TextEmbedTransformer";
    private const string ModelSignature = "LLMEMBED";

    internal TextEmbeddingTransformer(IHostEnvironment env, TextEmbeddingEstimator.Options options)
        : base(env, nameof(TextEmbeddingTransformer), options)
    {
        if (options.Dimension < 1)
            throw new FormatException(
                $"The length of a stage's vectors is {options.Dimension}; it must be at least 1.");
        Outputs = [StageColumn.Vector(options.OutputColumnName, options.Dimension)];
    }

    internal override IReadOnlyList<StageColumn> Outputs { get; }

    internal override IRowComputer CreateComputer(DataViewRow input, int capacity) =>
        new Computer(this, input, capacity);

    private protected override (string Model, string Loader) Signatures => (ModelSignature, LoaderSignature);

    private static TextEmbeddingTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        new(env, ReadOptions(ctx, ModelSignature, LoaderSignature));

    private sealed class Computer(TextEmbeddingTransformer stage, DataViewRow input, int capacity)
        : TextComputer(stage, input, capacity)
    {
        private readonly float[][] _vectors = new float[capacity][];

        public override Delegate CreateGetter(int output, Func<int> currentSlot) =>
            (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
            {
                float[] vector = _vectors[currentSlot()];
                VBufferEditor<float> editor = VBufferEditor.Create(ref value, vector.Length);
                vector.CopyTo(editor.Values);
                value = editor.Commit();
            });

        protected override void Compute(LanguageModel model, string[] texts, int firstSlot)
        {
            if (model.Spec.HiddenSize != stage.StageOptions.Dimension)
            {
                throw new InvalidOperationException($"The model's vectors have {model.Spec.HiddenSize} numbers; the "
                    + $"stage was fitted for {stage.StageOptions.Dimension}. Fit it again.");
            }

            IReadOnlyList<(float[] Vector, int Tokens)> results =
                TextEmbedder.Embed(model, texts, stage.StageOptions.Embedding);
            for (int i = 0; i < texts.Length; i++) _vectors[firstSlot + i] = results[i].Vector;
        }
    }
}
