using Microsoft.ML.Runtime;
using ML.Pruning.Inference;

namespace ML.Pruning.Transforms;

/// <summary>Continues text with a language model. See <c>mlContext.Transforms.GenerateText</c>.</summary>
public sealed class TextGeneratingEstimator : TextScoringEstimator<TextGeneratingTransformer>
{
    internal TextGeneratingEstimator(IHostEnvironment env, Options options)
        : base(new TextGeneratingTransformer(env, options))
    {
    }

    /// <summary>Options of <see cref="TextGeneratingEstimator"/>.</summary>
    public sealed class Options : TextScoringOptions
    {
        /// <summary>Column for the text: the prompt and its continuation, without special tokens.</summary>
        public string OutputColumnName = "GeneratedText";

        /// <summary>How to generate.</summary>
        public GenerationOptions Generation = new();

        internal override void Validate()
        {
            base.Validate();
            ArgumentNullException.ThrowIfNull(Generation);
            Generation.Validate();
        }
    }
}
