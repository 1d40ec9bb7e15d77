using Microsoft.ML.Runtime;
using ML.Pruning.Inference;

namespace ML.Pruning.Transforms;

/// <summary>Scores text with a language model. See <c>mlContext.Transforms.ScoreLlm</c>.</summary>
public sealed class LlmScoringEstimator : TextScoringEstimator<LlmScoringTransformer>
{
    internal LlmScoringEstimator(IHostEnvironment env, Options options)
        : base(new LlmScoringTransformer(env, options))
    {
    }

    /// <summary>Options of <see cref="LlmScoringEstimator"/>.</summary>
    public sealed class Options : TextScoringOptions
    {
        /// <summary>Column for the log-likelihood (Single): the sum of the natural logarithms of the probabilities of
        /// all tokens of the row's text, BOS not scored.</summary>
        public string OutputColumnName = "LogLikelihood";

        /// <summary>Column for the number of tokens scored (Int32).</summary>
        public string TokenCountColumnName = "TokenCount";

        /// <summary>Column for the perplexity of the row (Single): exp(-log-likelihood / tokens), NaN for no
        /// tokens.</summary>
        public string PerplexityColumnName = "Perplexity";

        /// <summary>Column for the number of tokens cut off at the model's context (Int32).</summary>
        public string TruncatedTokenCountColumnName = "TruncatedTokenCount";

        /// <summary>What runs the model.</summary>
        public EngineKind Engine = EngineKind.Auto;
    }
}
