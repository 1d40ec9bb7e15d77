using System.Numerics.Tensors;
using ML.Pruning.Sparsity;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary><see cref="LearnedScores"/> at work.</summary>
internal sealed class LearnedScoresHook : StraightThroughHook
{
    private const string ScorePrefix = "score.";
    private const string MeanPrefix = "score-mean.";
    private const string SquarePrefix = "score-square.";
    private const string StateName = "score-state";
    private readonly LearnedScores _dynamics;
    private readonly ScoreMatrix[] _matrices;
    private readonly DynamicsContext _context;
    private readonly TrainedParameters _scores;
    private readonly double _rate;
    private bool _isFinite = true;
    private bool _isComplete;

    /// <summary>Prepares a run, and chooses the first masks.</summary>
    /// <param name="dynamics">How.</param>
    /// <param name="matrices">The matrices; the hook disposes what is in them.</param>
    /// <param name="context">The run.</param>
    public LearnedScoresHook(LearnedScores dynamics, ScoreMatrix[] matrices, DynamicsContext context)
        : base([.. matrices.Select(m => m.Weights)])
    {
        _dynamics = dynamics;
        _matrices = matrices;
        _context = context;
        _rate = dynamics.ResolveRate(context.Steps);
        _scores = new TrainedParameters(matrices.Select(m => (m.Planned.Name, m.Scores)), context.Training with
        {
            LearningRate = _rate,
            WeightDecay = 0,
        });
        ChooseMasks(0);
        foreach (ScoreMatrix matrix in matrices) matrix.Weights.ShowMasked();
    }

    /// <inheritdoc/>
    public override bool IsComplete => _isComplete;

    /// <inheritdoc/>
    protected override bool TrainsWeights => _dynamics.TrainsWeights;

    /// <inheritdoc/>
    public override void StepStarting(int step) => _isFinite = true;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, float[]> Save()
    {
        var state = new Dictionary<string, float[]>(base.Save(), StringComparer.Ordinal);
        TrainedParameters.Snapshot snapshot = _scores.TakeSnapshot();
        for (int i = 0; i < _matrices.Length; i++)
        {
            state.Add(ScorePrefix + _matrices[i].Planned.Name, snapshot.Values[i]);
            state.Add(MeanPrefix + _matrices[i].Planned.Name, snapshot.Means[i]);
            state.Add(SquarePrefix + _matrices[i].Planned.Name, snapshot.Squares[i]);
        }

        state.Add(StateName, [snapshot.Step, _isComplete ? 1 : 0]);
        return state;
    }

    /// <inheritdoc/>
    public override void Load(IReadOnlyDictionary<string, float[]> state)
    {
        base.Load(state);
        float[][] All(string prefix) => [.. _matrices.Select(m => state[prefix + m.Planned.Name])];
        _scores.Restore(new TrainedParameters.Snapshot(
            All(ScorePrefix), All(MeanPrefix), All(SquarePrefix), (long)state[StateName][0]));
        _isComplete = state[StateName][1] == 1;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _scores.Dispose();
        foreach (ScoreMatrix matrix in _matrices) matrix.Scores.Dispose();
    }

    /// <inheritdoc/>
    protected override void UseGradient(int step, int index)
    {
        ScoreMatrix matrix = _matrices[index];
        MaskedParameter masked = matrix.Weights.Masked;
        float[] product = masked.ReadGradient();
        TensorPrimitives.Multiply(product, matrix.Weights.ReadAll(), product);
        float[] gradient = matrix.Grid.Sum(product);
        _dynamics.ToScoreGradient(
            TrainedParameters.Copy(matrix.Scores), gradient, _context.Progress(step), _context);
        _isFinite &= float.IsFinite(TensorPrimitives.SumOfSquares<float>(gradient));
        using (NewDisposeScope())
        {
            matrix.Scores.grad = tensor(gradient, matrix.Scores.shape);
        }

        masked.MaskGradient();
    }

    /// <inheritdoc/>
    protected override void ChangeMasks(int step, TrainedParameters parameters)
    {
        if (_isFinite) MoveScores(_rate * parameters.LearningRate / _context.Training.LearningRate!.Value);
        ChooseMasks(_context.Progress(step));
    }

    private void MoveScores(double rate)
    {
        if (_dynamics.ScoreOptimizer == ScoreOptimizer.Adam)
        {
            _scores.SetLearningRate(rate);
            _scores.Step();
            return;
        }

        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach (ScoreMatrix matrix in _matrices) matrix.Scores.sub_(matrix.Scores.grad!.mul(rate));
    }

    private void ChooseMasks(double progress)
    {
        foreach (ScoreMatrix matrix in _matrices)
        {
            WeightMask chosen = _dynamics.Select(TrainedParameters.Copy(matrix.Scores), matrix, progress, _context);
            matrix.Weights.Masked.Change(matrix.Grid.Expand(chosen));
        }

        _isComplete = _dynamics.IsComplete(progress, _context);
    }
}
