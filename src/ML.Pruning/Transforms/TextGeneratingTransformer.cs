using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Inference;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Continues each row's text with the row's model. Made by <see cref="TextGeneratingEstimator"/>.</summary>
/// <remarks>A row's text depends on that row alone: all rows are sampled with the same random stream, whichever rows
/// are generated together.</remarks>
public sealed class TextGeneratingTransformer : TextScoringTransformer<TextGeneratingEstimator.Options>
{
    internal const string LoaderSignature = "TextGenTransformer";
    private const string ModelSignature = "LLMTEXTG";

    internal TextGeneratingTransformer(IHostEnvironment env, TextGeneratingEstimator.Options options)
        : base(env, nameof(TextGeneratingTransformer), options) =>
        Outputs = [StageColumn.Text(options.OutputColumnName)];

    internal override IReadOnlyList<StageColumn> Outputs { get; }

    internal override IRowComputer CreateComputer(DataViewRow input, int capacity) =>
        new Computer(this, input, capacity);

    private protected override (string Model, string Loader) Signatures => (ModelSignature, LoaderSignature);

    private static TextGeneratingTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        new(env, ReadOptions(ctx, ModelSignature, LoaderSignature));

    private sealed class Computer(TextGeneratingTransformer stage, DataViewRow input, int capacity)
        : TextComputer(stage, input, capacity)
    {
        private readonly string[] _texts = new string[capacity];

        public override Delegate CreateGetter(int output, Func<int> currentSlot) =>
            (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) =>
                value = _texts[currentSlot()].AsMemory());

        protected override void Compute(LanguageModel model, string[] texts, int firstSlot)
        {
            var generator = new TextGenerator(model, stage.StageOptions.Generation);
            IReadOnlyList<GenerationResult> results = generator.GenerateIndependently(texts);
            for (int i = 0; i < texts.Length; i++) _texts[firstSlot + i] = results[i].Text;
        }
    }
}
