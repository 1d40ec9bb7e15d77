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
    public sealed class Options
    {
        /// <summary>Column for the text: the prompt and its continuation, without special tokens.</summary>
        public string OutputColumnName = "GeneratedText";

        /// <summary>Column with the model.</summary>
        public string ModelColumnName = "Model";

        /// <summary>Column with the prompt; an empty one starts from BOS.</summary>
        public string InputColumnName = "Text";

        /// <summary>How to generate.</summary>
        public GenerationOptions Generation = new();

        /// <summary>Rows generated together, 1 to 1024; it does not change the texts.</summary>
        public int BatchSize = 8;
    }
}
