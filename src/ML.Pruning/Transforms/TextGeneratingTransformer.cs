using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using ML.Pruning.Inference;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Continues each row's text with the row's model. Made by <see cref="TextGeneratingEstimator"/>.</summary>
/// <remarks>A row's text depends on that row alone: all rows are sampled with the same random stream, whichever rows
/// are generated together.</remarks>
public sealed class TextGeneratingTransformer : TextScoringTransformer
{
    internal const string LoaderSignature = "TextGenTransformer";
    private const string ModelSignature = "LLMTEXTG";
    private static readonly JsonSerializerOptions s_json = new() { IncludeFields = true };
    private readonly TextGeneratingEstimator.Options _options;

    internal TextGeneratingTransformer(IHostEnvironment env, TextGeneratingEstimator.Options options)
        : base(env, nameof(TextGeneratingTransformer), options.ModelColumnName, options.InputColumnName)
    {
        if (options.BatchSize is < 1 or > 1024)
        {
            throw new ArgumentOutOfRangeException(
                nameof(options), options.BatchSize, "The batch size must lie between 1 and 1024.");
        }

        ArgumentNullException.ThrowIfNull(options.Generation);
        options.Generation.Validate();
        _options = options;
        Outputs = [StageColumn.Text(options.OutputColumnName)];
    }

    internal override IReadOnlyList<StageColumn> Outputs { get; }

    internal override int BatchSize => _options.BatchSize;

    internal override IRowComputer CreateComputer(DataViewRow input, int capacity) =>
        new Computer(this, input, capacity);

    private protected override void Save(ModelSaveContext ctx) => MLNetInternals.BeginSave(
        ctx, ModelSignature, LoaderSignature, JsonSerializer.Serialize(_options, s_json));

    private static TextGeneratingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        string json = MLNetInternals.BeginLoad(ctx, ModelSignature, LoaderSignature);
        return new TextGeneratingTransformer(env, StagePayload.ReadOptions<TextGeneratingEstimator.Options>(json, s_json));
    }

    private sealed class Computer(TextGeneratingTransformer stage, DataViewRow input, int capacity)
        : TextComputer(stage, input, capacity)
    {
        private readonly string[] _texts = new string[capacity];

        public override Delegate CreateGetter(int output, Func<int> currentSlot) =>
            (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = _texts[currentSlot()].AsMemory());

        protected override void Compute(LanguageModel model, string[] texts, int firstSlot)
        {
            var generator = new TextGenerator(model, stage._options.Generation);
            IReadOnlyList<GenerationResult> results = generator.GenerateIndependently(texts);
            for (int i = 0; i < texts.Length; i++) _texts[firstSlot + i] = results[i].Text;
        }
    }
}
