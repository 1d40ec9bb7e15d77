using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Recovery.DynamicSparsity;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using TorchSharp.Modules;

namespace ML.Pruning.Tests.Recovery.DynamicSparsity;

/// <summary>Short runs with masks that move.</summary>
internal static class DynamicRuns
{
    public static TrainingExamples Examples { get; } = TrainingExamples.FromWindows(TinyTraining.Windows());

    /// <summary>Every kind of dynamics by name, with options that let it work in some tens of steps.</summary>
    public static SparseFineTuneOptions Options(TestFolder folder, string name, double sparsity = 0.6, int steps = 30)
    {
        SparsityDynamics dynamics = name switch
        {
            "rigl" => new RigL { Interval = 4 },
            "set" => new SparseEvolution { Interval = 4 },
            "movement" => new MovementPruning(),
            "soft-movement" => new SoftMovementPruning { Penalty = 1e4, ScoreLearningRate = 0.2 },
            "regrowing" => new Regrowing(),
            "top-kast" => new Regrowing { BackwardSparsity = 0.3 },
            "lottery" => new LotteryTicket { Rounds = 3, RewindStep = 2 },
            _ => new EdgePopup { ScoreLearningRate = 0.05 },
        };
        return new SparseFineTuneOptions
        {
            Pruning = new Magnitude { Sparsity = sparsity },
            Schedule = dynamics.NeedsRamp ? new SparsitySchedule { RampStart = 0.1 } : SparsitySchedule.OneShot,
            MaskInterval = 3,
            Dynamics = dynamics,
            Training = TinyTraining.Options(folder, steps) with { WeightDecay = 0 },
        };
    }

    public static SparseFineTuneResult Train(LanguageModel model, SparseFineTuneOptions options,
        Action<TrainingProgress>? told = null, CancellationToken cancellationToken = default) => SparseFineTuner.Train(
            model, Examples, options, null, cancellationToken, told is null ? null : new Watcher(told));

    /// <summary>What a hook gets that works on one matrix.</summary>
    public static DynamicsContext Context(Parameter parameter, double sparsity, SparsitySchedule? schedule = null,
        SparsityPattern? pattern = null, int steps = 5)
    {
        using LanguageModel model = TinyTraining.Model();
        const string Name = "layers.0.mlp.up_proj.weight";
        int rows = (int)parameter.shape[0], columns = (int)parameter.shape[1];
        var method = new Magnitude { Sparsity = sparsity, Pattern = pattern ?? SparsityPattern.Unstructured };
        return new DynamicsContext
        {
            Parameters = [(Name, parameter)],
            Masked = [Name],
            Spec = model.Spec,
            Method = method,
            Plan = method.Plan(model.Spec) with
            {
                Tensors = [new PlannedTensor(
                    Name, 0, rows, columns, sparsity, (long)(rows * columns * sparsity), true)],
            },
            Schedule = schedule ?? SparsitySchedule.OneShot,
            MaskInterval = 1,
            Training = new TrainingOptions { Steps = steps, WarmupSteps = 0, LearningRate = 0.5, WeightDecay = 0 },
        };
    }

    private sealed class Watcher(Action<TrainingProgress> told) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => told(value);
    }
}
