using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Pruning;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Recovery;

/// <summary>stories260K with half of its weights gone by Wanda, to be trained; goldens of before and after.</summary>
internal sealed class PrunedStories : IDisposable
{
    private const double DensePerplexity = 2.8808;
    private const double WandaPerplexity = 14.3392;
    private const int WindowLength = 256;

    private readonly TestFolder _folder = new();
    private readonly LanguageModel _dense = SharedModels.Open("stories260K");

    public PrunedStories()
    {
        Windows = Cut("stories.train.jsonl");
        Model = Pruner.PruneWithWindows(
            _dense, new Wanda { Sparsity = 0.5 }, Windows.Take(64), PrunedModels.In(_folder)).Model;
    }

    /// <summary>The pruned model.</summary>
    public LanguageModel Model { get; }

    /// <summary>The train file in windows of 256 tokens; the first 64 chose what went.</summary>
    public TokenWindows Windows { get; }

    /// <summary>A folder for what training writes.</summary>
    public string Path => _folder.Path;

    /// <summary>Checks that training won back more than a part of the loss that pruning cost, and not more than
    /// all.</summary>
    public void AssertWonBack(double part, LanguageModel trained)
    {
        double loss = PerplexityEvaluator.Evaluate(trained, Cut("stories.valid.jsonl")).MeanNegativeLogLikelihood;
        double back = (Math.Log(WandaPerplexity) - loss) / (Math.Log(WandaPerplexity) - Math.Log(DensePerplexity));
        Assert.IsGreaterThan(part, back, $"perplexity {Math.Exp(loss):F4}");
        Assert.IsLessThan(1, back);
    }

    public void Dispose()
    {
        Model.Dispose();
        _dense.Dispose();
        _folder.Dispose();
    }

    private TokenWindows Cut(string file) => TokenWindows.Cut(
        SharedFiles.Documents(file), _dense.RequireTokenizer(), _dense.Spec.BosTokenId, WindowLength);
}
