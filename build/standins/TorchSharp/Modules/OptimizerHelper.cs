namespace TorchSharp.Modules;

/// <summary>What the optimizers share: groups, defaults and a state per parameter.</summary>
/// <remarks>
/// States are found by the parameter's native handle, so a parameter replaced after construction (a module moved to
/// another type) makes <c>step</c> throw KeyNotFoundException, as in the real one.
/// </remarks>
public abstract class OptimizerHelper : torch.optim.Optimizer
{
    private readonly Dictionary<nint, OptimizerState> _states = [];

    protected OptimizerOptions _defaults;

    public OptimizerHelper()
    {
    }

    public virtual StateDictionary state_dict()
    {
        var result = new StateDictionary();
        foreach (var group in _parameter_groups)
        {
            result.Options.Add(group.Options);
            foreach (var parameter in group.Parameters)
                result.State.Add(_states[parameter.Handle]);
        }
        return result;
    }

    /// <summary>Runs the update of each group without gradients, in a scope of its own.</summary>
    protected torch.Tensor _step<T>(Action<T> body, Func<torch.Tensor> loss_closure = null) where T : ParamGroup
    {
        torch.Tensor loss = null;
        if (loss_closure is not null)
        {
            using var gradients = torch.enable_grad();
            loss = loss_closure();
        }
        using var guard = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        foreach (var group in _parameter_groups)
            body((T)group);
        return loss;
    }

    private protected override void DisposeStates()
    {
        foreach (var state in _states.Values)
            (state as IDisposable)?.Dispose();
        _states.Clear();
    }

    private protected void AddGroup(ParamGroup group, Func<Parameter, OptimizerState> newState)
    {
        group.LearningRate = group.Options.LearningRate ?? _defaults.LearningRate.Value;
        group.InitialLearningRate = group.LearningRate;
        _parameter_groups.Add(group);
        foreach (var parameter in group.Parameters)
        {
            var state = newState(parameter);
            state.Initialize(group.Options);
            _states[parameter.Handle] = state;
        }
    }

    private protected TState StateOf<TState>(Parameter parameter) where TState : OptimizerState =>
        (TState)_states[parameter.Handle];
}
