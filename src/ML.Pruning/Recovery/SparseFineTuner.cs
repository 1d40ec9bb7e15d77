using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery.DynamicSparsity;
using ML.Pruning.Sparsity;
using TorchSharp.Modules;

namespace ML.Pruning.Recovery;

/// <summary>Trains all weights of a sparse model, and keeps its zeros.</summary>
/// <remarks>
/// <para>After Kurtic et al. 2023, arXiv:2310.06927: masks are applied after every step, and a dense teacher may help
/// (<see cref="DistillationOptions"/>). Differences: gradients of removed weights are zero, so that their norm does not
/// count when gradients are clipped; and the sparsity may rise during the training
/// (<see cref="SparsitySchedule"/>), or masks may move (<see cref="SparsityDynamics"/>).</para>
/// <para>Thread-safe. The same model, examples, options, number of threads and machine give the same bits. Needs about
/// 24 bytes a parameter, 4 a parameter of the teacher, and the activations of a batch.</para>
/// </remarks>
public static class SparseFineTuner
{
    /// <summary>Trains a sparse model.</summary>
    /// <param name="model">The model, with weights; it is not changed. Without
    /// <see cref="SparseFineTuneOptions.Pruning"/> its zeros are kept: those of
    /// <see cref="LanguageModel.MaskedTensors"/>, or, if it names none, of linear maps with at least a tenth of
    /// zeros.</param>
    /// <param name="examples">What to train on, and to calibrate pruning on; the last examples are held out.</param>
    /// <param name="options">How; null = the defaults.</param>
    /// <param name="teacher">A model with the same tokenizer to learn from, such as the dense one; null = none.</param>
    /// <param name="cancellationToken">Stops between batches. Nothing is left behind but the state in
    /// <see cref="TrainingOptions.CheckpointFolder"/>, if one is given.</param>
    /// <param name="progress">Told at the start and after each step of the training.</param>
    /// <returns>The trained model, with weights of the types that they had (those on integer grids become
    /// float32).</returns>
    /// <exception cref="ArgumentException">An option is out of range or does not fit, the model has no zeros to keep,
    /// the examples exceed the context or are too few, or the teacher does not match.</exception>
    /// <exception cref="PruningException">Weights or scores are NaN or infinite, or nothing is left to
    /// prune.</exception>
    /// <exception cref="TrainingException">The loss or the gradients are NaN or infinite, and no lower rate
    /// helps.</exception>
    /// <exception cref="InvalidOperationException">A model has no weights.</exception>
    /// <exception cref="IOException">The temporary file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static SparseFineTuneResult Train(LanguageModel model, TrainingExamples examples,
        SparseFineTuneOptions? options = null, LanguageModel? teacher = null,
        CancellationToken cancellationToken = default, IProgress<TrainingProgress>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(examples);
        options ??= new SparseFineTuneOptions();
        options = options with { Training = options.Training.Resolve(examples.Count, model.Spec.HiddenSize) };
        options.Validate(model, teacher);
        PruningResult? pruned = options.Pruning is null || options.FollowsPlan ? null
            : Prune(model, examples, options, cancellationToken);
        using LanguageModel? start = pruned?.Model;
        PruningPlan? plan = options.FollowsPlan
            ? options.Pruning!.Plan(model.Spec, model.Weights[TensorNames.Embedding].Type)
            : null;
        SparseFineTuneResult result =
            Train(start ?? model, plan, examples, options, teacher, cancellationToken, progress);
        return result with { Report = result.Report with { Pruning = pruned?.Report } };
    }

    private static SparseFineTuneResult Train(LanguageModel model, PruningPlan? plan, TrainingExamples examples,
        SparseFineTuneOptions options, LanguageModel? teacher, CancellationToken cancellationToken,
        IProgress<TrainingProgress>? progress)
    {
        Dictionary<string, long> zeros = MaskedZeros(model, plan, cancellationToken);
        TrainingOptions training = options.Training;
        using TorchDecoder? teacherDecoder = teacher is null ? null
            : TorchDecoder.Load(teacher, TorchPrecision.Of(training.Precision));
        string[] names = [];
        TrainingResult result = ModelTraining.Run(model, examples, training,
            ("recover", options.Dynamics?.Name ?? "sparse", Provenance(options, plan, teacher)), SetUp, Finish,
            progress, cancellationToken);
        return new SparseFineTuneResult(result.Model, new SparseFineTuneReport
        {
            Training = result.Report,
            Tensors = [.. zeros.Select(z => Report(result.Model, z.Key, z.Value, cancellationToken))],
        });

        TrainingSetup SetUp(TorchDecoder decoder)
        {
            (string Name, Parameter Parameter)[] all = [.. decoder.named_parameters()];
            int interval = options.MaskInterval ?? Math.Max(1, training.Steps!.Value / 50);
            TrainingSetup setup = options.Dynamics?.SetUp(new DynamicsContext
            {
                Parameters = all,
                Masked = zeros.Keys,
                Spec = model.Spec,
                Plan = plan,
                Method = options.Pruning as WeightPruning,
                Schedule = options.Schedule,
                MaskInterval = interval,
                Training = training,
            }) ?? new TrainingSetup(all)
            {
                Hooks = [new MaskKeeper(all.Where(p => zeros.ContainsKey(p.Name)), Scheduled(interval))],
            };
            names = [.. setup.Parameters.Select(p => p.Name)];
            return setup with
            {
                Objective = teacherDecoder is null ? null
                    : new DistillationObjective(decoder, teacherDecoder, options.Distillation),
            };
        }

        ScheduledMasks? Scheduled(int interval) => plan is null ? null : new ScheduledMasks(
            options.Schedule, (WeightPruning)options.Pruning!, plan,
            zeros.ToDictionary(z => z.Key, z => z.Value / (double)model.Weights[z.Key].ElementCount),
            training.Steps!.Value, interval);

        LanguageModel Finish(TrainingOutcome outcome, ProvenanceStep step)
        {
            using LanguageModel trained = ModelTraining.Replace(
                model, [.. names.Zip(outcome.Values, (name, values) =>
                    ModelTraining.Trained(model.Weights[name], values))],
                training.TempFolder, step, cancellationToken);
            return new LanguageModel(trained.ToContent() with { MaskedTensors = zeros.Keys.ToHashSet() });
        }
    }

    private static PruningResult Prune(LanguageModel model, TrainingExamples examples, SparseFineTuneOptions options,
        CancellationToken cancellationToken)
    {
        var context = new PruningContext
        {
            TempFolder = options.Training.TempFolder,
            CancellationToken = cancellationToken,
        };
        if (!options.Pruning!.NeedsCalibration) return Pruner.Prune(model, options.Pruning, context: context);
        int used = examples.Count - options.Training.ValidationExamples!.Value;
        var tokens = new List<int>();
        for (int i = 0; i < used; i++) tokens.AddRange(examples.Tokens(i));
        TokenWindows windows = options.Pruning.Calibration.CutWindows([.. tokens], model.Spec);
        return Pruner.PruneWithWindows(model, options.Pruning, windows, context);
    }

    // The matrices whose zeros are kept, with the zeros that they have now.
    private static Dictionary<string, long> MaskedZeros(
        LanguageModel model, PruningPlan? plan, CancellationToken cancellationToken)
    {
        long Zeros(string name) => TensorCensus.Take(model.Weights[name], cancellationToken).Zeros;
        IReadOnlySet<string> own = KeptZeros.Of(model, cancellationToken);
        IEnumerable<string> planned = plan is null ? [] : plan.Tensors.Select(t => t.Name);
        HashSet<string> masked = [.. own, .. planned];
        return masked.Count > 0
            ? model.Spec.Parameters().Where(p => masked.Contains(p.Name))
                .ToDictionary(p => p.Name, p => Zeros(p.Name), StringComparer.Ordinal)
            : throw new ArgumentException("The model has no zeros to keep: prune it first, or give a pruning method.");
    }

    private static TensorReport Report(
        LanguageModel model, string name, long zerosBefore, CancellationToken cancellationToken)
    {
        StoredTensor tensor = model.Weights[name];
        (long zeros, _) = TensorCensus.Take(tensor, cancellationToken);
        return new TensorReport(name, tensor.ElementCount, zerosBefore, zeros) { Bytes = tensor.ByteLength };
    }

    private static JsonObject Provenance(SparseFineTuneOptions options, PruningPlan? plan, LanguageModel? teacher)
    {
        var json = new JsonObject();
        if (plan is not null)
        {
            json["pruning"] = options.Pruning!.ToJson();
            json["schedule"] = options.Schedule.ToJson();
            json["maskInterval"] = options.MaskInterval;
        }

        if (options.Dynamics is not null) json["dynamics"] = options.Dynamics.ToJson();

        if (teacher is not null)
        {
            json["teacher"] = teacher.ContentHash;
            json["distillation"] = options.Distillation.ToJson();
        }

        return json;
    }
}
