using TorchSharp;
using TorchSharp.Modules;
using ML.Pruning.Models.Torch;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery;

/// <summary>The parameters that a run trains, and AdamW with its moments.</summary>
/// <remarks>AdamW: Loshchilov and Hutter 2019, arXiv:1711.05101. Matrices decay, vectors do not. Not
/// thread-safe.</remarks>
internal sealed class TrainedParameters : IDisposable
{
    private readonly (string Name, Parameter Parameter)[] _parameters;
    private readonly AdamW _optimizer;

    /// <summary>Starts training of parameters.</summary>
    /// <param name="parameters">The parameters; they take gradients from here on.</param>
    /// <param name="options">How, validated.</param>
    public TrainedParameters(IEnumerable<(string Name, Parameter Parameter)> parameters, TrainingOptions options)
    {
        _parameters = [.. parameters];
        foreach ((_, Parameter parameter) in _parameters) parameter.requires_grad = true;
        _optimizer = MakeOptimizer(options);
    }

    /// <summary>The parameters by canonical name, in the order given.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Parameters => _parameters;

    /// <summary>The learning rate that was set last.</summary>
    public double LearningRate { get; private set; }

    /// <summary>Sets the learning rate.</summary>
    public void SetLearningRate(double rate)
    {
        LearningRate = rate;
        foreach (optim.ILearningRateController group in _optimizer.ParamGroups) group.LearningRate = rate;
    }

    /// <summary>Forgets the gradients.</summary>
    public void ClearGradients()
    {
        foreach ((_, Parameter parameter) in _parameters) parameter.grad = null;
    }

    /// <summary>Scales the gradients to a joint norm.</summary>
    /// <param name="maximum">The largest norm; null = do not scale.</param>
    /// <returns>The norm before.</returns>
    public double ClipGradients(double? maximum) =>
        // Not double.MaxValue: libtorch refuses numbers that the parameters' type cannot hold.
        nn.utils.clip_grad_norm_(_parameters.Select(p => p.Parameter), maximum ?? float.MaxValue);

    /// <summary>Moves the weights.</summary>
    public void Step() => _optimizer.step();

    /// <summary>Clears the moments of weights that were pruned.</summary>
    /// <param name="parameter">One of the parameters.</param>
    /// <param name="mask">1 where the weight stays, else 0; of the parameter's shape and type.</param>
    public void MaskMoments(Parameter parameter, Tensor mask)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        AdamW.State state = States()[parameter.Handle];
        state.exp_avg.mul_(mask);
        state.exp_avg_sq.mul_(mask);
    }

    /// <summary>Copies the weights.</summary>
    /// <returns>Row-major, in the order of <see cref="Parameters"/>.</returns>
    public float[][] Values() => [.. _parameters.Select(p => Copy(p.Parameter))];

    /// <summary>Copies weights and moments.</summary>
    public Snapshot TakeSnapshot()
    {
        Dictionary<nint, AdamW.State> states = States();
        AdamW.State[] ordered = [.. _parameters.Select(p => states[p.Parameter.Handle])];
        return new Snapshot(Values(), [.. ordered.Select(s => Copy(s.exp_avg))],
            [.. ordered.Select(s => Copy(s.exp_avg_sq))], ordered.Length == 0 ? 0 : ordered[0].step);
    }

    /// <summary>Goes back to a snapshot.</summary>
    /// <param name="snapshot">Of these parameters.</param>
    public void Restore(Snapshot snapshot)
    {
        Dictionary<nint, AdamW.State> states = States();
        using IDisposable noGrad = no_grad();
        for (int i = 0; i < _parameters.Length; i++)
        {
            Parameter parameter = _parameters[i].Parameter;
            AdamW.State state = states[parameter.Handle];
            Write(snapshot.Values[i], parameter);
            Write(snapshot.Means[i], state.exp_avg);
            Write(snapshot.Squares[i], state.exp_avg_sq);
            state.step = snapshot.Step;
        }
    }

    /// <summary>Starts anew from other weights, without moments.</summary>
    /// <param name="values">Row-major, in the order of <see cref="Parameters"/>.</param>
    public void Restart(float[][] values)
    {
        float[][] zeros = Array.ConvertAll(values, v => new float[v.Length]);
        Restore(new Snapshot(values, zeros, zeros, 0));
    }

    /// <inheritdoc/>
    public void Dispose() => _optimizer.Dispose();

    private AdamW MakeOptimizer(TrainingOptions options)
    {
        AdamW.ParamGroup Group(IEnumerable<Parameter> members, double weightDecay) => new(
            [.. members], options.LearningRate!.Value, options.Beta1, options.Beta2, options.Epsilon, weightDecay);

        Parameter[] all = [.. _parameters.Select(p => p.Parameter)];
        AdamW.ParamGroup[] groups =
        [
            Group(all.Where(p => p.ndim >= 2), options.WeightDecay),
            Group(all.Where(p => p.ndim < 2), 0),
        ];
        return optim.AdamW(groups.Where(g => g.Parameters.Any()), options.LearningRate!.Value, options.Beta1, options.Beta2,
            options.Epsilon);
    }

    // A state dictionary has the states in the order of the groups.
    private Dictionary<nint, AdamW.State> States() => _optimizer.parameters()
        .Zip(_optimizer.state_dict().State, (parameter, state) => (parameter.Handle, State: (AdamW.State)state))
        .ToDictionary(s => s.Handle, s => s.State);

    /// <summary>Copies a tensor out.</summary>
    /// <returns>Row-major float32.</returns>
    public static float[] Copy(Tensor tensor)
    {
        using IDisposable noGrad = no_grad();
        var values = new float[tensor.numel()];
        TorchWeights.CopyTo(tensor, values);
        return values;
    }

    private static void Write(float[] values, Tensor target)
    {
        using DisposeScope scope = NewDisposeScope();
        target.copy_(tensor(values, target.shape, dtype: ScalarType.Float32));
    }

    /// <summary>Weights and moments at some point, each in the order of the parameters.</summary>
    /// <param name="Values">The weights.</param>
    /// <param name="Means">Running means of the gradients.</param>
    /// <param name="Squares">Running means of their squares.</param>
    /// <param name="Step">Updates that the moments have seen.</param>
    internal sealed record Snapshot(float[][] Values, float[][] Means, float[][] Squares, long Step);
}
