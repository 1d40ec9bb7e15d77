using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Base of the fitted stages that run a model column on a text column.</summary>
/// <typeparam name="TOptions">Their options, which are what a saved stage consists of.</typeparam>
public abstract class TextScoringTransformer<TOptions> : LlmTransformer
    where TOptions : TextScoringOptions
{
    private static readonly JsonSerializerOptions s_json = new() { IncludeFields = true };

    private protected TextScoringTransformer(IHostEnvironment env, string name, TOptions options)
        : base(env, name)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        StageOptions = options;
        Inputs = [StageColumn.Model(options.ModelColumnName), StageColumn.Text(options.InputColumnName)];
    }

    internal override IReadOnlyList<StageColumn> Inputs { get; }

    internal override IReadOnlyList<StageColumn> Dependencies => Inputs;

    internal override int BatchSize => StageOptions.BatchSize;

    private protected TOptions StageOptions { get; }

    /// <summary>What names the stage in a saved model: its signature, and that of its loader.</summary>
    private protected abstract (string Model, string Loader) Signatures { get; }

    /// <inheritdoc/>
    public override void Dispose()
    {
        // The model belongs to the stage that yields it.
    }

    private protected override void Save(ModelSaveContext ctx) => MLNetInternals.BeginSave(
        ctx, Signatures.Model, Signatures.Loader, JsonSerializer.Serialize(StageOptions, s_json));

    /// <summary>The options that <see cref="Save"/> wrote.</summary>
    private protected static TOptions ReadOptions(
        ModelLoadContext ctx, string modelSignature, string loaderSignature) =>
        StagePayload.ReadOptions<TOptions>(
            MLNetInternals.BeginLoad(ctx, modelSignature, loaderSignature), s_json);

    /// <summary>Reads model and text of a batch of rows and hands them over, one run of rows of the same model at a
    /// time.</summary>
    private protected abstract class TextComputer : IRowComputer
    {
        private readonly ValueGetter<LanguageModel> _modelGetter;
        private readonly ValueGetter<ReadOnlyMemory<char>> _textGetter;
        private readonly LanguageModel[] _models;
        private readonly ReadOnlyMemory<char>[] _texts;

        protected TextComputer(TextScoringTransformer<TOptions> stage, DataViewRow input, int capacity)
        {
            _modelGetter = input.GetGetter<LanguageModel>(stage.Inputs[0].Find(input.Schema));
            _textGetter = input.GetGetter<ReadOnlyMemory<char>>(stage.Inputs[1].Find(input.Schema));
            _models = new LanguageModel[capacity];
            _texts = new ReadOnlyMemory<char>[capacity];
        }

        public void Read(int slot)
        {
            _modelGetter(ref _models[slot]);
            _textGetter(ref _texts[slot]);
        }

        public void Compute(int count)
        {
            for (int start = 0, end; start < count; start = end)
            {
                end = start + 1;
                while (end < count && ReferenceEquals(_models[end], _models[start])) end++;
                string[] texts = [.. _texts[start..end].Select(text => text.ToString())];
                Compute(_models[start], texts, start);
            }
        }

        public abstract Delegate CreateGetter(int output, Func<int> currentSlot);

        /// <summary>Computes the outputs of the rows from <paramref name="firstSlot"/> on.</summary>
        protected abstract void Compute(LanguageModel model, string[] texts, int firstSlot);
    }
}
