using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using ML.Pruning.Evaluation;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Tells the label of each row's text with the row's model. Made by
/// <see cref="TextClassifyingEstimator"/>.</summary>
public sealed class TextClassifyingTransformer : TextScoringTransformer<TextClassifyingEstimator.Options>
{
    // ML.NET's headers have room for 24 characters.
    internal const string LoaderSignature = "TextClassifyTransformer";
    private const string ModelSignature = "TEXTCLAS";

    internal TextClassifyingTransformer(IHostEnvironment env, TextClassifyingEstimator.Options options)
        : base(env, nameof(TextClassifyingTransformer), options)
    {
        Outputs =
        [
            StageColumn.Text(options.OutputColumnName),
            new StageColumn(options.ScoreColumnName, new VectorDataViewType(NumberDataViewType.Single)),
            new StageColumn(options.ProbabilityColumnName, NumberDataViewType.Single),
        ];
    }

    internal override IReadOnlyList<StageColumn> Outputs { get; }

    internal override IRowComputer CreateComputer(DataViewRow input, int capacity) =>
        new Computer(this, input, capacity);

    private protected override (string Model, string Loader) Signatures => (ModelSignature, LoaderSignature);

    private static TextClassifyingTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        new(env, ReadOptions(ctx, ModelSignature, LoaderSignature));

    private sealed class Computer(TextClassifyingTransformer stage, DataViewRow input, int capacity)
        : TextComputer(stage, input, capacity)
    {
        private readonly TextClass[] _classes = new TextClass[capacity];

        public override Delegate CreateGetter(int output, Func<int> currentSlot) => output switch
        {
            0 => (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) =>
                value = _classes[currentSlot()].Label.AsMemory()),
            1 => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) => CopyScores(currentSlot(), ref value)),
            _ => (ValueGetter<float>)((ref float value) =>
            {
                TextClass found = _classes[currentSlot()];
                value = found.Probabilities[found.LabelIndex];
            }),
        };

        protected override void Compute(LanguageModel model, string[] texts, int firstSlot) =>
            TextClassifier.Classify(model, texts, stage.StageOptions.Engine).CopyTo(_classes.AsSpan(firstSlot));

        private void CopyScores(int slot, ref VBuffer<float> value)
        {
            IReadOnlyList<float> probabilities = _classes[slot].Probabilities;
            VBufferEditor<float> editor = VBufferEditor.Create(ref value, probabilities.Count);
            for (int i = 0; i < probabilities.Count; i++) editor.Values[i] = probabilities[i];
            value = editor.Commit();
        }
    }
}
