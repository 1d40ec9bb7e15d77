namespace TorchSharp;

/// <summary>The stack of dispose scopes of one thread.</summary>
public class DisposeScopeManager
{
    [ThreadStatic]
    private static DisposeScopeManager t_current;

    private readonly List<DisposeScope> _stack = [];
    private readonly ThreadDisposeScopeStatistics _statistics = new();

    internal static DisposeScopeManager ThreadSingleton => t_current ??= new DisposeScopeManager();

    /// <summary>Counts of this thread.</summary>
    internal static ThreadDisposeScopeStatistics Statistics => ThreadSingleton._statistics;

    internal DisposeScope Top => _stack.Count == 0 ? null : _stack[^1];

    internal static DisposeScope NewDisposeScope()
    {
        var manager = ThreadSingleton;
        var scope = new DisposeScope(manager, manager.Top);
        manager._stack.Add(scope);
        return scope;
    }

    /// <summary>Puts a new tensor into the innermost scope of this thread, if there is one.</summary>
    internal static DisposeScope Register(torch.Tensor tensor)
    {
        var scope = ThreadSingleton.Top;
        Statistics.ThreadTotalLiveCount++;
        scope?.Disposables.Add(tensor);
        return scope;
    }

    internal void Remove(DisposeScope scope) => _stack.Remove(scope);
}
