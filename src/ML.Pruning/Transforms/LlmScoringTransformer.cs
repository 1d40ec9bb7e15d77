using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using ML.Pruning.Evaluation;
using ML.Pruning.Inference;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Scores each row's text with the row's model. Made by <see cref="LlmScoringEstimator"/>.</summary>
public sealed class LlmScoringTransformer : TextScoringTransformer
{
    internal const string LoaderSignature = "LlmScoringTransformer";
    private const string ModelSignature = "LLMSCORE";
    private static readonly JsonSerializerOptions s_json = new() { IncludeFields = true };
    private readonly LlmScoringEstimator.Options _options;

    internal LlmScoringTransformer(IHostEnvironment env, LlmScoringEstimator.Options options)
        : base(env, nameof(LlmScoringTransformer), options.ModelColumnName, options.InputColumnName)
    {
        if (options.BatchSize is < 1 or > 1024)
            throw new ArgumentOutOfRangeException(
                nameof(options), options.BatchSize, "The batch size must lie between 1 and 1024.");
        _options = options;
        Outputs =
        [
            new StageColumn(options.OutputColumnName, NumberDataViewType.Single),
            new StageColumn(options.TokenCountColumnName, NumberDataViewType.Int32),
            new StageColumn(options.PerplexityColumnName, NumberDataViewType.Single),
            new StageColumn(options.TruncatedTokenCountColumnName, NumberDataViewType.Int32),
        ];
    }

    internal override IReadOnlyList<StageColumn> Outputs { get; }

    internal override int BatchSize => _options.BatchSize;

    internal override IRowComputer CreateComputer(DataViewRow input, int capacity) =>
        new Computer(this, input, capacity);

    private protected override void Save(ModelSaveContext ctx) => MLNetInternals.BeginSave(
        ctx, ModelSignature, LoaderSignature, JsonSerializer.Serialize(_options, s_json));

    private static LlmScoringTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        string json = MLNetInternals.BeginLoad(ctx, ModelSignature, LoaderSignature);
        return new LlmScoringTransformer(env, StagePayload.ReadOptions<LlmScoringEstimator.Options>(json, s_json));
    }

    private sealed class Computer(LlmScoringTransformer stage, DataViewRow input, int capacity)
        : TextComputer(stage, input, capacity)
    {
        private readonly TextScore[] _scores = new TextScore[capacity];

        public override Delegate CreateGetter(int output, Func<int> currentSlot) => output switch
        {
            0 => (ValueGetter<float>)((ref float value) => value = (float)_scores[currentSlot()].LogLikelihood),
            1 => (ValueGetter<int>)((ref int value) => value = _scores[currentSlot()].TokenCount),
            2 => (ValueGetter<float>)((ref float value) => value = (float)_scores[currentSlot()].Perplexity),
            _ => (ValueGetter<int>)((ref int value) => value = _scores[currentSlot()].TruncatedTokenCount),
        };

        protected override void Compute(LanguageModel model, string[] texts, int firstSlot) =>
            TextScorer.Score(model, texts, stage._options.Engine).CopyTo(_scores.AsSpan(firstSlot));
    }
}
