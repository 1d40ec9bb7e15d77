using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using ML.Pruning.Evaluation;
using ML.Pruning.Inference;
using ML.Pruning.Models;

namespace ML.Pruning.Transforms;

/// <summary>Scores each row's text with the row's model. Made by <see cref="LlmScoringEstimator"/>.</summary>
public sealed class LlmScoringTransformer : TextScoringTransformer<LlmScoringEstimator.Options>
{
    internal const string LoaderSignature = "LlmScoringTransformer";
    private const string ModelSignature = "LLMSCORE";

    internal LlmScoringTransformer(IHostEnvironment env, LlmScoringEstimator.Options options)
        : base(env, nameof(LlmScoringTransformer), options)
    {
        Outputs =
        [
            new StageColumn(options.OutputColumnName, NumberDataViewType.Single),
            new StageColumn(options.TokenCountColumnName, NumberDataViewType.Int32),
            new StageColumn(options.PerplexityColumnName, NumberDataViewType.Single),
            new StageColumn(options.TruncatedTokenCountColumnName, NumberDataViewType.Int32),
        ];
    }

    internal override IReadOnlyList<StageColumn> Outputs { get; }

    internal override IRowComputer CreateComputer(DataViewRow input, int capacity) =>
        new Computer(this, input, capacity);

    private protected override (string Model, string Loader) Signatures => (ModelSignature, LoaderSignature);

    private static LlmScoringTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        new(env, ReadOptions(ctx, ModelSignature, LoaderSignature));

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
            TextScorer.Score(model, texts, stage.StageOptions.Engine).CopyTo(_scores.AsSpan(firstSlot));
    }
}
