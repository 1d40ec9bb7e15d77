using Microsoft.ML.Runtime;
using ML.Pruning.Inference;

namespace ML.Pruning.Transforms;

/// <summary>Tells the labels of texts with an encoder. See <c>mlContext.Transforms.ClassifyText</c>.</summary>
public sealed class TextClassifyingEstimator : TextScoringEstimator<TextClassifyingTransformer>
{
    internal TextClassifyingEstimator(IHostEnvironment env, Options options)
        : base(new TextClassifyingTransformer(env, options))
    {
    }

    /// <summary>Options of <see cref="TextClassifyingEstimator"/>.</summary>
    public sealed class Options : TextScoringOptions
    {
        /// <summary>Column for the label (Text) with the highest probability.</summary>
        public string OutputColumnName = "PredictedLabel";

        /// <summary>Column for the probability of every label, in the order of the model's labels (a vector of
        /// Single).</summary>
        public string ScoreColumnName = "Score";

        /// <summary>Column for the probability of the predicted label (Single).</summary>
        public string ProbabilityColumnName = "Probability";

        /// <summary>What runs the model.</summary>
        public EngineKind Engine = EngineKind.Auto;
    }
}
