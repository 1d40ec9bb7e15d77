using ML.Pruning.Calibration;
using ML.Pruning.Inference;
using ML.Pruning.Models;

namespace ML.Pruning.Evaluation;

/// <summary>Accuracy of a classifier on texts with labels.</summary>
/// <remarks>Thread-safe. Texts run in batches of similar length, which does not change their results beyond
/// rounding.</remarks>
public static class AccuracyEvaluator
{
    private const int TextsPerCall = 32;

    /// <summary>Evaluates a model.</summary>
    /// <param name="model">The model, with weights and tokenizer.</param>
    /// <param name="texts">The texts with their labels (<see cref="LabeledText.Read"/>).</param>
    /// <param name="engine">What runs the model.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <param name="progress">Told the fraction of texts done, in [0, 1].</param>
    /// <returns>The result.</returns>
    /// <exception cref="ArgumentException">There are no texts, or a label is unknown.</exception>
    /// <exception cref="NotSupportedException">The model does not tell labels apart.</exception>
    /// <exception cref="InvalidOperationException">The model lacks weights or tokenizer, or its output is not
    /// finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static AccuracyResult Evaluate(LanguageModel model, IEnumerable<LabeledText> texts,
        EngineKind engine = EngineKind.Auto, CancellationToken cancellationToken = default,
        IProgress<double>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(texts);
        LabeledText[] all = [.. texts.OrderBy(text => text.Text.Length)];
        if (all.Length == 0) throw new ArgumentException("There are no texts to evaluate; give at least one.");
        int right = 0, truncated = 0, done = 0;
        double sum = 0;
        foreach (LabeledText[] batch in all.Chunk(TextsPerCall))
        {
            cancellationToken.ThrowIfCancellationRequested();
            TextClass[] classes = TextClassifier.Classify(model, [.. batch.Select(text => text.Text)], engine);
            for (int i = 0; i < batch.Length; i++)
            {
                int label = model.Spec.Encoder!.LabelIndex(batch[i].Label);
                if (classes[i].LabelIndex == label) right++;
                if (classes[i].TruncatedTokenCount > 0) truncated++;
                sum -= Math.Log(Math.Max(classes[i].Probabilities[label], float.Epsilon));
            }

            done += batch.Length;
            progress?.Report((double)done / all.Length);
        }

        return new AccuracyResult((double)right / all.Length, sum / all.Length, all.Length, truncated,
            EngineFactory.Get(model, engine).Name);
    }
}
